"""Transports: what carries a request to whoever answers it, and brings the answer back.

`transport` is the interface. `openai_client` sends requests to a server, `local` to the engine
in this process; `record_replay` answers from a cassette, or keeps there what another transport
answers. `resolve` chooses one.
"""
