"""Pages of sheets: built in, and put together by staff."""
