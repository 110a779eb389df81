"""Batches: many items, one call each, on threads or on somebody else's workers.

A `batch` is what came of them; the `crew` hands out `task`s, made of `items`, each to a `worker`;
the `purse` is what they may cost together; `progress` and `gallery` show them.
"""
