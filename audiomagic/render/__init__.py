"""Faces: what is shown, as static HTML, markdown and text: all escaped, no script needed.

`card` is a reply's, `grid` a comparison's, `chat_page` a conversation's, `statement` the ledger's,
`forecast` a request's; a `table` shows anything.
"""
