"""Sound files in the formats that the API names."""

import io

import numpy as np

from ...sound import WIRE_RATE, Sound


def audio_file(pcm: bytes, form: str) -> bytes:
    """Return an `mp3`, `opus`, `aac`, `flac` or `wav` of 24 kHz pcm16, at least one sample."""
    if form == "aac":
        return _aac(pcm)
    return Sound.from_pcm16(pcm).encode("ogg" if form == "opus" else form)


def _aac(pcm: bytes) -> bytes:
    import av

    samples = np.frombuffer(pcm, "<i2").reshape(1, -1)
    frame = av.AudioFrame.from_ndarray(samples, format="s16", layout="mono")
    frame.rate = WIRE_RATE
    file = io.BytesIO()
    with av.open(file, "w", format="adts") as container:
        stream = container.add_stream("aac", rate=WIRE_RATE, layout="mono")
        for each in (frame, None):  # None flushes it
            container.mux(stream.encode(each))
    return file.getvalue()
