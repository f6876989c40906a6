"""Lists and pages of mirrored rows, a file a model."""
