"""Pages of sheets: built-in ones, and saved sheets that staff defined."""
