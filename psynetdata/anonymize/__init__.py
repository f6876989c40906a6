"""Pseudonymized copies of rows. `policy/` says what may leave, `forms/` how an identifier can be written,
`identifiers/` what points to a person, `text/` and `rows/` apply it: all pure. `face/` knows Django.
"""
