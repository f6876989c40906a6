"""The version of the anonymizer's code: part of the name of each anonymous face, next to the policy's hash.

A face that was filled by another version is filled again, and identifiers are collected again.
Options of an export, such as shifted dates, are not part of a face: a change to them alone does not raise the version.
tests/anonymize/test_ruleset.py compares the output for known databases with recorded output, and fails until this
version is raised. A new line of policy.csv does not need that: it changes the policy's hash.
"""

# The next one is "4".
VERSION = "3"
