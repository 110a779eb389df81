"""Sound files as programs write them, in memory."""

import io
from typing import Any

import numpy as np
import soundfile
from numpy.typing import NDArray


def written(samples: NDArray[Any], rate: int, container: str, subtype: str, **more: Any) -> bytes:
    """A file by libsndfile, of samples of shape (n,) or (n, channels)."""
    file, channels = io.BytesIO(), 1 if samples.ndim == 1 else samples.shape[1]
    kind = {"format": container, "subtype": subtype}
    with soundfile.SoundFile(file, "w", rate, channels, **kind, **more) as written:
        for at in range(0, len(samples), 2**16):  # Vorbis of a minute at once overflows the stack
            written.write(samples[at : at + 2**16])
    return file.getvalue()


def packed(
    samples: NDArray[np.float32], container: str, codec: str, rate: int, **tags: str
) -> bytes:
    """The file that a browser or a phone records, of samples of shape (channels, n)."""
    import av

    layout = {1: "mono", 2: "stereo", 6: "5.1"}[len(samples)]
    buffer = io.BytesIO()
    with av.open(buffer, "w", format=container) as file:
        file.metadata.update(tags)
        stream = file.add_stream(codec, rate=rate, layout=layout)
        frame = av.AudioFrame.from_ndarray(samples, format="fltp", layout=layout)
        frame.sample_rate, frame.pts = rate, 0
        frames = [frame]
        if codec == "flac":  # of integers, in frames of its own size
            stream.format = "s16"
            stream.codec_context.open()
            size = stream.codec_context.frame_size
            integers = av.AudioResampler("s16", layout, rate, size)
            frames = [*integers.resample(frame), *integers.resample(None)]
        for frame in (*frames, None):
            for packet in stream.encode(frame):
                file.mux(packet)
    return buffer.getvalue()


def silence(samples: int, rate: int = 48_000) -> bytes:
    """FLAC of some 300 samples a byte."""
    file = io.BytesIO()
    with soundfile.SoundFile(file, "w", rate, 1, format="FLAC", subtype="PCM_16") as flac:
        for _ in range(samples // 2**20):
            flac.write(np.zeros(2**20, np.int16))
    return file.getvalue()
