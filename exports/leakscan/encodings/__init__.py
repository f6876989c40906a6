"""How a value can be encoded, and how to decode it."""
