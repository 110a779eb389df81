"""Batches: many items, one call each, on threads or on any executor's workers.

A `batch` holds the results. The `scheduler` hands out `task`s, made of `items`, each to a thread or
another process; `display` shows them.
"""
