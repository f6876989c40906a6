"""What the desk stands on besides Django: processes, storage, SFTP, HTTP; knows no data."""
