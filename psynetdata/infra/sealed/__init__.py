"""Files encrypted with a key that is not in the storage (docs/store.md, "Encryption")."""
