"""Transports: what carries a request to whoever answers it, and brings the answer back.

`transport` is the interface. `openai_client` sends requests to a server, `embedded` to the engine
in this process, `replay` answers from a cassette, and `recording` wraps another transport and keeps
what it answers. `resolve` chooses one.
"""
