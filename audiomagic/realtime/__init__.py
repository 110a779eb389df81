"""A live conversation: turns that are spoken, or typed, on one session of the Realtime protocol.

Each is a `turn` like any other, answered by a transport that remembers (`transports.realtime`).
"""
