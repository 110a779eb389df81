"""Cassette: a folder of recorded exchanges, and the answers it gives again.

A recording is a JSON file of at most 4 MB, `0001-tell-me-a-joke-3fa9c1.json`, and, where the answer
has sound, a FLAC file of the same name beside it: 24 kHz, mono, 16 bits, bit for bit what came.
Names are for people: the files are played in the order of their numbers, whatever follows.

    format     1; a reader refuses a higher one, and every field that is not listed here
    recorded   when, with a time zone (ISO 8601)
    request    model; voice (null: text alone); messages: role, parts, tool_calls (id, name,
               arguments), tool_call_id; max_tokens; tools (name, description, parameters);
               tool_choice. A part is a text, or a sound: SHA-256 of its pcm16 samples, rate,
               seconds. Calls are numbered. What is not set is left out.
    answer     model, finish_reason, text, tool_calls, usage; sound: SHA-256 of the pcm16 (null:
               none); seconds it took; arrivals: [seconds since the request, characters, samples];
               question: the words of a spoken one; notes: of the engine, on its answer

Only the request is compared; the SHA-256 of its JSON, keys sorted, begins with the six characters
that end the name. Times, servers, headers and the service's ids are not part of it.
"""

from .cassette import Cassette as Cassette
