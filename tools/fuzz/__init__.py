"""Hand the desk what nobody sends on purpose: broken files, odd texts, requests that no page makes.

`python -m tools.fuzz` (`make fuzz`) does it in one process with a desk of its own. It does not belong to the product.
"""
