"""Where asset files live: a folder, a bucket, an SSH server, the web."""
