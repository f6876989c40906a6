"""Break a running desk at random, again and again, and check that no data is lost.

`python -m tools.faults` (`make faults`) starts everything that it needs. It does not belong to the product.
"""
