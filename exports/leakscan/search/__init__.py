"""Look for needles in one stream of bytes."""
