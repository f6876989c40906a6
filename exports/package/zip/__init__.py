"""A zip archive made of pieces that are packed apart."""
