"""RecorderProtocol: the kernel's half of a recorder as a state machine; recording.js is the page's.

A page sends each take (a recording, or a file) under a random id. Messages from a page are not
trusted: any that is not as described here is ignored.
"""

import base64
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, ClassVar

from ..errors import SoundError, one_line
from ..sound import LONGEST, WIRE_RATE, Sound, pcm16_seconds

LARGEST_FILE = 200_000_000  # bytes; the page says the same
LARGEST_PCM = 2 * WIRE_RATE * LONGEST
Span = tuple[int, int]  # the first sample to keep, and the first not to keep
PATIENCE = 3.0  # seconds without a chunk, after which the tab must have been closed


class Kind(StrEnum):
    """Kinds of messages, and their fields: from a page, then to it."""

    SHOWN = "shown"  # mountable: whether it can mount the recorder in plain HTML
    START = "start"  # take, what: "sound" or "file"
    CHUNK = "chunk"  # take, number, and a buffer or base64
    END = "end"  # take, count of chunks, cut: where speech is, complaint, send
    DISCARD = "discard"  # take
    PLAY = "play"  # asks for the sound
    SEND = "send"  # delivers the sound again
    FAILED = "failed"  # line: why there will be no recording

    READY = "ready"  # arm: whether to start listening at once
    ACK = "ack"  # take, next: the first missing chunk
    RESEND = "resend"  # take, next, text: whether as base64
    DECODE = "decode"  # take: the page is to decode the file
    DONE = "done"  # take, line: why it ended
    SOUND = "sound"  # and a buffer: a FLAC file
    HALT = "halt"  # stop recording, and keep what there is
    CARD = "card"  # html: the reply


class Upload:
    """Collects chunks in their order: pcm16 at 24 kHz mono, or the bytes of a sound file."""

    def __init__(self, take: str, is_file: bool):
        self.take = take  # the page's own random id
        self.is_file = is_file
        self.next = 0  # number of the first chunk that is missing
        self.requested: int | None = None  # the last missing chunk that was requested
        self._data = bytearray()
        self._touched = time.monotonic()

    @property
    def seconds(self) -> float:
        return 0.0 if self.is_file else pcm16_seconds(self._data)

    @property
    def abandoned(self) -> bool:
        return time.monotonic() - self._touched > PATIENCE

    def add(self, number: int, chunk: bytes) -> bool:
        """Add a chunk, unless it is there already; return False if an earlier one is missing."""
        self._touched = time.monotonic()
        if number == self.next:
            size = len(self._data) + len(chunk)
            if self.is_file and size > LARGEST_FILE:
                raise SoundError("the file is larger than 200 MB; split it into parts")
            if not self.is_file and size > LARGEST_PCM:
                raise SoundError("the recording is longer than 40 minutes; record it in parts")
            self._data += chunk
            self.next += 1
        return number < self.next

    def sound(self, span: Span | None = None) -> Sound:
        if self.is_file:
            return Sound.decode(bytes(self._data))
        whole = len(self._data) // 2
        first, last = span or (0, whole)
        sound = Sound.from_pcm16(bytes(self._data[2 * first : 2 * min(last, whole)]))
        if len(sound.samples) == 0:
            raise SoundError("nothing was recorded")
        return sound


@dataclass
class Response:
    """What a message from a page leads to, in this order."""

    messages: list[dict[str, Any]] = field(default_factory=list)  # to the page
    buffers: list[bytes] | None = None  # of the message
    deliver: Sound | None = None  # to what it was recorded for; then the state is "idle" again
    failure: str = ""  # why there will be no recording
    replace_output: bool = False


class RecorderProtocol:
    """Collects takes, and keeps the last one as a sound, which `delivers` sends on at once."""

    armed: ClassVar[set["RecorderProtocol"]] = set()  # at most one listens without being asked

    def __init__(self, trim: bool = True, hands_free: bool = False, delivers: bool = False):
        self.state = "idle"  # recording: a take is arriving; busy: the sound is being answered
        self.take = ""  # id of the take that is arriving, or arrived last
        self.kept: Sound | None = None
        self.shown = False  # a page has shown it
        self.complaint = ""  # what was wrong with the last sound, as the page measured it
        self.trimmed_seconds = 0.0  # cut off the last sound
        self._upload: Upload | None = None
        self._trim, self._delivers = trim, delivers
        self._arms = delivers and hands_free  # who asks to talk hands-free means now

    @property
    def sound(self) -> Sound | None:
        upload = self._upload
        return upload.sound() if upload and upload.abandoned and upload.seconds else self.kept

    def handle(self, message: Any, buffers: Sequence[Any] = ()) -> Response:
        upload = self._upload
        match message:
            case {"kind": Kind.SHOWN, "mountable": bool(mountable)}:
                return self._on_shown(mountable)
            case {"kind": Kind.START, "take": str(take), "what": "sound" | "file" as what}:
                return self._on_start(Upload(one_line(take, 40), what == "file"))
            case {"kind": Kind.FAILED, "line": str(line)}:
                self.armed.discard(self)
                return Response(failure=one_line(line))
            case {"kind": Kind.PLAY} if self.kept:
                return Response([{"kind": Kind.SOUND}], [self.kept.encode("flac")])
            case {"kind": Kind.SEND}:
                return self._deliver(Response())
            case {"kind": Kind.CHUNK, "take": self.take, "number": int(number)} if upload:
                return self._on_chunk(upload, number, message.get("base64"), buffers)
            case {"kind": Kind.END, "take": self.take} if upload:
                return self._on_end(upload, message)
            case {"kind": Kind.END | Kind.DISCARD, "take": self.take} if self.take:
                return self._done(self.take)  # perhaps again: the first "done" was lost
        return Response()

    def clear(self) -> None:
        self._upload = self.kept = None
        if self.state == "recording":
            self.state = "idle"

    def _on_shown(self, mountable: bool) -> Response:
        abandoned = self._upload if self._upload and self._upload.abandoned else None
        response = self._finish(abandoned) if abandoned else Response()
        arm = self._arms and not (self.shown or self.armed)  # one sentence goes to one recorder
        if arm:
            self.armed.add(self)
        self.shown = True
        response.messages.append({"kind": Kind.READY, "arm": arm})
        response.replace_output = mountable
        return response

    def _on_start(self, upload: Upload) -> Response:
        if upload.take == self.take:
            return Response()  # sent again: an acknowledgement was lost
        if self.state == "busy":
            return self._done(upload.take, "The last recording is still being answered.")
        before = self._upload
        if before and not before.abandoned:
            return self._done(upload.take, "A recording is running in another tab.")
        response = self._finish(before) if before and before.seconds else Response()
        self._upload, self.take, self.state = upload, upload.take, "recording"
        return response

    def _on_chunk(self, upload: Upload, number: int, text: Any, buffers: Sequence[Any]) -> Response:
        lost = not buffers and not isinstance(text, str)  # the front end dropped the buffer
        try:
            encoded = "" if lost else text
            chunk = bytes(buffers[0]) if buffers else base64.b64decode(encoded, validate=True)
            added = not lost and upload.add(number, chunk)
        except SoundError as error:
            return self._finish(upload, line=str(error))
        except ValueError:  # not base64
            return Response()
        if added:
            return Response([{"kind": Kind.ACK, "take": upload.take, "next": upload.next}])
        if upload.requested == upload.next:
            return Response()  # every chunk behind a missing one would request it again
        upload.requested = upload.next
        return _resend(upload, lost)

    def _on_end(self, upload: Upload, message: Any) -> Response:
        match message:
            case {"count": int(count), "send": bool(send)} if count <= upload.next:
                self.complaint = one_line(message.get("complaint", ""), 200)
                match message.get("cut"):
                    case [int(first), int(last)] if self._trim and 0 <= first < last:
                        return self._finish(upload, (first, last), send=send)
                return self._finish(upload, send=send)
        return _resend(upload)

    def _finish(
        self, upload: Upload, span: Span | None = None, line: str = "", send: bool = False
    ) -> Response:
        """Keep what arrived; `line` says why it ended early."""
        try:
            self.kept = upload.sound(span)
        except SoundError as error:
            response = self._done(upload.take, line or str(error))
            if upload.is_file and not line:  # the page decodes it, and sends it as a new take
                response.messages = [{"kind": Kind.DECODE, "take": upload.take}]
            return response
        self.trimmed_seconds = max(0.0, upload.seconds - self.kept.seconds)
        response = self._done(upload.take, line)
        return self._deliver(response) if send else response

    def _done(self, take: str, line: str = "") -> Response:
        """End the take that is arriving, or refuse another one."""
        self.armed.discard(self)
        if take == self.take and self._upload:
            self._upload, self.state = None, "idle"
        return Response([{"kind": Kind.DONE, "take": take, "line": line}])

    def _deliver(self, response: Response) -> Response:
        if self.kept and self._delivers and self.state == "idle":
            self.state, response.deliver = "busy", self.kept
        return response


def _resend(upload: Upload, text: bool = False) -> Response:
    message = {"kind": Kind.RESEND, "take": upload.take, "next": upload.next, "text": text}
    return Response([message])
