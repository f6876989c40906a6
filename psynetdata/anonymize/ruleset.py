"""The version of the rules that anonymous data is made by: part of the name of each anonymous face.

A face that another version filled is filled again, and identifiers are collected again. tests/anonymize/test_ruleset.py
compares what comes out of known databases with what is on record, and fails until this is raised.
"""

# The next one is "2". Before there were versions a digest of the code was used; faces that carry it stay as they are.
VERSION = "c68dec15d512e25b"
