"""A zip archive made of pieces that are compressed separately."""
