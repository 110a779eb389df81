"""Requests that are turns of one conversation on the Realtime protocol.

`RealtimeTransport` answers them as any transport does, but on a session that remembers: each
request adds what is new.
"""
