"""Building blocks of admin pages in both apps."""
