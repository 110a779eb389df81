"""The Realtime protocol: events that go both ways on one connection, which remembers.

Written are the shapes of its general availability; the names of its beta, which many servers still
send, are read as well. Sources: https://developers.openai.com/api/docs/guides/realtime-conversations,
and the types of the `openai` package (`openai.types.realtime`).
"""
