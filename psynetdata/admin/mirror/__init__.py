"""Lists and pages of mirrored rows, one file per model."""
