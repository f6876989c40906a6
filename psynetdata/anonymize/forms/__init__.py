"""The forms in which an identifier can be written, and how it is recognised."""
