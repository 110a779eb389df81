"""A sound at an address that the user named: fetched from there alone, within bounds."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from ..errors import AudiomagicError, Interrupted, SoundError, one_line
from ..files import is_url
from ..sound import Sound

if TYPE_CHECKING:
    import httpx2

LARGEST = 500_000_000  # bytes: 40 minutes, uncompressed, in stereo
LONGEST = 300.0  # seconds for the whole
CONNECTING, SILENCE = 10.0, 30.0  # seconds
MOST_REDIRECTS = 5


def fetched(value: Any) -> Any:
    """Return a sound, or a list of sounds, with the sound of each address in its place.

    An address is a string that says `http://` or `https://`. Raises SoundError, Interrupted.
    """
    if isinstance(value, list):
        return [fetched(one) for one in value]
    return fetch(value) if isinstance(value, str) and is_url(value) else value


def fetch(address: str, largest: int = LARGEST, longest: float = LONGEST) -> Sound:
    """Fetch a sound. A redirection is followed on the same server, never to another.

    `largest`: bytes; `longest`: seconds. Raises SoundError, Interrupted.
    """
    import httpx2

    url = _url(address)
    deadline = time.monotonic() + longest
    timeout = httpx2.Timeout(min(SILENCE, longest), connect=CONNECTING)
    with _in_one_line(url.host), httpx2.Client(timeout=timeout) as client:
        for _ in range(MOST_REDIRECTS + 1):
            # Compressed on the way, a small answer may unpack to more than memory holds.
            request = client.build_request("GET", url, headers={"Accept-Encoding": "identity"})
            response = client.send(request, stream=True)
            try:
                if response.next_request is None:
                    return _sound(response, _body(response, largest, deadline))
                url = _same_server(url, response.next_request.url)
            finally:
                response.close()
    raise SoundError(f"{url.host} redirects again and again; check the address")


def _url(address: str) -> "httpx2.URL":
    import httpx2

    try:
        url = httpx2.URL(address.strip())
        if url.scheme in ("http", "https") and url.host:
            return url
    except httpx2.InvalidURL:
        pass
    shown = one_line(address, 80)
    raise SoundError(f"a sound is fetched from http:// or https://, not from '{shown}'")


def _same_server(url: "httpx2.URL", target: "httpx2.URL") -> "httpx2.URL":
    """Return where a redirection leads. Raises SoundError where that is another server."""
    here, there = _origin(url), _origin(target)
    upgraded = ("https", url.host, 443) if here == ("http", url.host, 80) else here
    if there not in (here, upgraded):
        raise SoundError(
            f"{url.host} redirects to another server, which was not asked; if you trust it, give "
            f"its address: {one_line(target, 200)}"
        )
    return target


def _origin(url: "httpx2.URL") -> tuple[str, str, int | None]:
    return url.scheme, url.host, url.port or {"http": 80, "https": 443}.get(url.scheme)


def _body(response: "httpx2.Response", largest: int, deadline: float) -> bytes:
    host, status = response.url.host, response.status_code
    if status != HTTPStatus.OK:
        known = {known.value: f" ({known.phrase})" for known in HTTPStatus}
        raise SoundError(f"{host} answered {status}{known.get(status, '')}; check the address")
    if response.headers.get("content-encoding", "identity") != "identity":
        raise SoundError(f"{host} sends it compressed, which was not asked for; download it first")
    data, promised = bytearray(), int(response.headers.get("content-length", 0))
    parts = response.iter_raw()
    while max(len(data), promised) <= largest:
        if time.monotonic() > deadline:
            raise SoundError(f"{host} sends it too slowly; download it, and give the file")
        if not (part := next(parts, b"")):
            return bytes(data)
        data += part
    raise SoundError(f"it is larger than {largest // 1_000_000} MB; download it, and cut it")


def _sound(response: "httpx2.Response", data: bytes) -> Sound:
    name = one_line(f"{response.url.host}{response.url.path}", 120)
    try:
        return Sound.decode(data)
    except SoundError as error:
        kind = response.headers.get("content-type", "").partition(";")[0].strip()
        page = " (it is a web page)" if kind == "text/html" else ""
        raise SoundError(f"{name}: {error}{page}") from error


@contextmanager
def _in_one_line(host: str) -> Iterator[None]:
    import httpx2

    try:
        yield
    except KeyboardInterrupt:
        raise Interrupted(f"the sound was not fetched from {host}; nothing was sent") from None
    except AudiomagicError:
        raise
    except httpx2.TimeoutException as error:
        raise SoundError(f"{host} did not answer in time; run it again") from error
    except (httpx2.HTTPError, httpx2.InvalidURL, OSError, ValueError) as error:
        why = one_line(error, 100) or type(error).__name__
        raise SoundError(f"cannot fetch it from {host}: {why}; check the address") from error
