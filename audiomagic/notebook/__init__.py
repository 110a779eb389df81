"""The notebook's side: lines and cells read, calls run in them, replies shown in their outputs.

`magics` are the doors; `order` is what a line asks for, `cells` what becomes of the reply,
`commands` what `%audiomagic` does. Nothing outside this room knows IPython's shell.
"""
