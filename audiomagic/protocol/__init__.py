"""Chat Completions with sound. No other package spells a field name of the protocol.

`request`: what is asked. `response`: what comes back, accumulated; `sse` takes its bytes apart,
`pcm` its sound, `thoughts` and `repetition` its text; `chunk_writer` writes it, for the local
engine and replays.
`tool_calls`, `usage`, `error`, `model_list`: parts of both.
"""
