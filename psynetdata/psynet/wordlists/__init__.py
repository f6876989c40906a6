"""Reviewed lists that the anonymizer and the leak scan both read: data with a reason for each line, no code to share.

Each side has its own implementation. A list in one place is reviewed once; two lists that are nearly equal hide the
same mistake twice.
"""
