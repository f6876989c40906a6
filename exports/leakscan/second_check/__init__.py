"""A second check of the finished archive, without any exemption and with no code of the first.

It looks for what ids of people look like (`shapes`) and for the ids themselves (`people_ids`), reports by file and
column what it saw and why that was allowed, and fails on every id that is not just a word or a number. The first scan
knows more forms; this one knows fewer rules, so a wrong exemption cannot hide in both.
"""
