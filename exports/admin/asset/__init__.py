"""Asset pages: the file itself."""
