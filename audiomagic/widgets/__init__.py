"""Widgets: the halves in the kernel of what static/*.js does in the page.

`recorder` and `player`, the `place` in an output where they live, and a `take`: one recording.
"""
