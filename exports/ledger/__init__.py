"""The ledger of identifiers: all that any stored snapshot of a deployment has ever held.

Deployments that continue each other share one. Each snapshot adds to it once (collection.py), the anonymizer and the
leak scan each by its own rules. Nothing is removed when a snapshot is pruned: only erasure removes entries. It consists
of files in the storage, sealed with the master key (sealed_files.py), which rows of LedgerFile name.
"""
