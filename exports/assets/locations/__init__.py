"""Where asset files are: a folder, a bucket, an SSH server, the web."""
