"""The far end: the `route` to it, the `client`, its `models`, its `faults` worded, a `retry`.

A `line` is one call's connection, which another thread may cut.
"""
