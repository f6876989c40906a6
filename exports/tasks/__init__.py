"""Job handlers: take ids, fetch rows, make one call."""
