"""What is said: cut into `passages`, joined at a `seam`, timed, and held against a text.

`diction` compares word by word, `spoken` is how words sound; `silence` need not be sent.
"""
