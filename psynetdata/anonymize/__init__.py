"""Pseudonymized copies of rows. `policy/` says what may leave, `forms/` how an identifier can be written,
`identifiers/` finds the values that point to a person, `text/` and `rows/` apply the policy: all pure. `face/` uses
Django.
"""
