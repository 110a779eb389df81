"""One turn: what is asked, the requests that this takes, and the reply.

`turn` tells the story; `client` makes one request under the budget; `tool_loop` and `read_aloud`
make several; a `conversation` remembers turns.
"""
