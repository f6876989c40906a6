"""Search finished anonymized archives for every identifier and secret of a deployment.

It shares no code with psynetdata.anonymize and has its own list of where identifiers are, so that one mistake cannot
hide in both. `needles.collection` collects the values to look for from the raw tables, `scan.scan` looks for them.
`second_check` knows no exemptions and looks at the same bytes. Pure Python, no Django.

It does not find: identifiers that are encrypted, hashed with a key or salt, written in base32 or base85, or broken
up; what is seen in a picture, heard in a recording or written with the numbers of a PDF's fonts (such files are listed
as not searched, see `archive.kinds`); a withheld text of which only a part is present.
Of texts longer than 4 KiB the last 4 KiB are compared. Passwords that are common words (`admin`, `password`) are not
looked for; other common words and short numbers only under names of identity (see `strength`).
"""
