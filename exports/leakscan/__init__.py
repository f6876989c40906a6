"""Searches finished anonymized archives for every identifier and secret that a deployment holds.

It shares no code with psynetdata.anonymize and has its own list of where identifiers live, so that one
mistake cannot hide in both. `needles.collection` gathers what to look for from the raw tables,
`scan.scan` looks for it. Pure Python, no Django.

What it does not find: identifiers that are encrypted, hashed with a key or salt, written as hexadecimal or base85,
or broken up; text that a PDF, a picture or a sound format has compressed for itself; a withheld text of which only
a part stands there. Of texts longer than 4 KiB the last 4 KiB are compared. Passwords that are common words (`admin`,
`password`) are not looked for; other common words and short numbers only under names of identity (see `strength`).
"""
