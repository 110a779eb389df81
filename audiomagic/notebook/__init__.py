"""The notebook's side: reads lines and cells, runs calls in them, shows replies in their outputs.

`magics` are the doors; `invocation` is what a line asks for, `output` what becomes of the reply,
`commands` what `%audiomagic` does. Nothing outside this package knows IPython's shell.
"""
