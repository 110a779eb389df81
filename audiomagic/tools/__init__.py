"""Tools: a notebook's functions, told to a model by their `signature`, called, and shown.

A `result` is what a call came to, an `exhibit` what an object shows of itself.
"""
