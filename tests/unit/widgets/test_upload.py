"""One recording, or file, in numbered chunks."""

import pytest

from audiomagic import Sound
from audiomagic.errors import SoundError
from audiomagic.widgets.upload import LARGEST_FILE, LARGEST_PCM, PATIENCE, Upload

from ...support.fake_page import CHUNKS


def test_chunks_count_once_and_in_their_order() -> None:
    upload = Upload("t", is_file=False)
    for number, added in [(1, False), (0, True), (2, False), (0, True), (1, True), (0, True)]:
        assert upload.add(number, CHUNKS[number]) is added
    assert upload.next == 2 and upload.seconds == pytest.approx(0.2)
    assert upload.sound().pcm16() == Sound.from_pcm16(CHUNKS[0] + CHUNKS[1]).pcm16()
    lengths = [len(upload.sound(span).samples) for span in ((100, 350), (0, 10**9))]
    assert lengths == [250, 4_800]
    with pytest.raises(SoundError, match="nothing was recorded"):
        upload.sound((5_000, 6_000))


@pytest.mark.parametrize(("is_file", "largest"), [(True, LARGEST_FILE), (False, LARGEST_PCM)])
def test_an_upload_has_a_largest_size(is_file: bool, largest: int) -> None:
    upload = Upload("t", is_file)
    upload._data = bytearray(largest - 4)  # as if it had arrived
    assert upload.add(0, bytes(4)) and upload.add(0, bytes(4))
    too_large = "larger than 200 MB" if is_file else "longer than 40 minutes"
    with pytest.raises(SoundError, match=too_large):
        upload.add(1, bytes(2))


def test_an_upload_is_abandoned_when_chunks_stop() -> None:
    upload = Upload("t", is_file=False)
    upload._touched -= PATIENCE + 0.1
    assert upload.abandoned
    upload.add(0, CHUNKS[0])
    assert not upload.abandoned
