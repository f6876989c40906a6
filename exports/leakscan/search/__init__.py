"""Looking for needles in one stream of bytes."""
