"""HTTP as all our clients speak it: how much they read, and which headers go to whom.

Sizes count bytes as they are unpacked, since 3 kB of gzip in gzip hold gigabytes. The module needs
httpx: import it where a client is made.
"""

from collections.abc import Iterable, Iterator, Mapping

import httpx2

from ..errors import InvalidResponse

LARGEST_STREAM = 1_000_000_000  # bytes: the most sound of an answer, in base64 and small chunks
LARGEST_ERROR = 100_000  # bytes: a page or two, of which a line is shown
IDENTITY = {"accept-encoding": "identity"}  # nothing needs to be packed; some servers do it anyway
# The official client adds others, from variables that are meant for OpenAI's own service.
OWN_HEADERS = {"host", "accept", "accept-encoding", "content-type", "content-length",
               "transfer-encoding", "user-agent", "x-stainless-raw-response"}  # fmt: skip


def own_headers(credentials: Mapping[str, str], request: httpx2.Request) -> None:
    """Take out all headers but our own, then add credentials: a request hook."""
    for name in request.headers.keys() - OWN_HEADERS:
        del request.headers[name]
    request.headers.update(credentials)


def bound(largest: int, response: httpx2.Response) -> None:
    """Bound what can be read of a response, by whatever way it is read: a response hook.

    Reading more than `largest` bytes raises InvalidResponse. An error's body just ends early: its
    status tells more.
    """
    if not isinstance(response.stream, httpx2.SyncByteStream):  # it was read already
        return
    response.stream = _Unpacked(response, None if response.status_code >= 300 else largest)
    response.headers.pop("content-encoding", None)  # what is read from now on is unpacked
    response.encoding = "utf-8"  # JSON has no other; a charset that is named may be none of text's


def contents(parts: Iterable[bytes], largest: int) -> bytes:
    """Join the parts of a body. Raises InvalidResponse where they are more than `largest` bytes."""
    body = bytearray()
    for part in parts:
        body += part
        if len(body) > largest:
            raise too_large(largest)
    return bytes(body)


def too_large(largest: int) -> InvalidResponse:
    size = f"{largest // 1_000_000} MB" if largest >= 1_000_000 else f"{largest // 1_000} kB"
    return InvalidResponse(f"the server sent more than {size}, which is too much; stopped reading")


class _Unpacked(httpx2.SyncByteStream):
    """The unpacked body of a response; without a limit, an error's."""

    def __init__(self, response: httpx2.Response, largest: int | None):
        self._packed = httpx2.Response(
            response.status_code, headers=response.headers, stream=response.stream,
            request=response.request,
        )  # fmt: skip
        self._largest = largest

    def __iter__(self) -> Iterator[bytes]:
        size, limit = 0, self._largest or LARGEST_ERROR
        for part in self._parts():
            size += len(part)
            if size <= limit:
                yield part
            elif self._largest:
                raise too_large(limit)
            else:
                yield part[: limit - size]
                return

    def _parts(self) -> Iterator[bytes]:
        """Unpack piece by piece, once: unpacking twice, much work may give few bytes."""
        codings = self._packed.headers.get_list("content-encoding", split_commas=True)
        times = sum(coding.strip().lower() not in ("", "identity") for coding in codings)
        try:
            if times <= 1:
                yield from self._packed.iter_bytes()
            elif self._largest:
                raise InvalidResponse("the server packed its answer more than once; not read")
        except httpx2.DecodingError as error:
            if self._largest:
                raise InvalidResponse("the server's answer cannot be unpacked") from error

    def close(self) -> None:
        self._packed.close()
