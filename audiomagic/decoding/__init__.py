"""Sound files, decoded: what a file is, its samples within bounds, its channels mixed to one.

`decode` reads a whole file. `wav` and `signature` also serve answers, which arrive in pieces.
"""
