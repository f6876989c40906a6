"""The forms in which an identifier can be written, and what it is recognised by."""
