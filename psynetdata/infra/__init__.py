"""The infrastructure below the desk, besides Django: processes, storage, SFTP, HTTP. Independent of the data."""
