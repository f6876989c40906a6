"""Models of the mirror: PsyNet's rows, in both faces."""
