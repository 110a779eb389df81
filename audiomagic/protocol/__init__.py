"""Chat Completions with sound, spelled in one place.

`request`: what is asked, as the client sends it.
`request_reader`: the same, read and refused by the embedded engine.
`answer`: what comes back, folded for the client.
`envelope`: the same, as the embedded engine writes it.
`events`: the bytes of an answer, taken apart into its chunks.
`words`, `pcm`: the words and the sound in them, folded.
`failure`: an error in place of an answer.
`listing`: the models that a server has.
`tool`: the functions a model may call; `tool_reader`: the same, read and refused.
`refusal`: how the service refuses.
`plain`: a request without sound, for servers and models of text.
`usage`: the tokens of one call.

No other package spells a field name of the protocol.
"""
