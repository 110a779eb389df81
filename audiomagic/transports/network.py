"""The network as the environment describes it: the proxies and the certificates to use."""

import os
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

from .. import redaction
from ..errors import ConnectionFailed, one_line
from .endpoint import Endpoint

CERTIFICATES = ("SSL_CERT_FILE", "SSL_CERT_DIR")


def proxy(route: Endpoint) -> str | None:
    """Return the name of the variable by which requests go through a proxy."""
    scheme = route.base_url.partition(":")[0].lower()
    proxies = getproxies()
    found = next((name for name in (scheme, "all") if name in proxies), None)
    bypassed = proxy_bypass(route.host.partition(":")[0])
    return f"{found.upper()}_PROXY" if found and not bypassed else None


def check_names() -> None:
    """Raise ValueError for a proxy of a name that none can have; the client looks too late."""
    proxies = getproxies()
    for name in ("http", "https", "all"):
        (urlsplit(proxies.get(name, "")).hostname or "").encode("idna")


def unusable(error: Exception, route: Endpoint) -> ConnectionFailed:
    """Word why no client can be made in this environment."""
    named = proxy(route) or "ALL_PROXY"
    if isinstance(error, OSError):
        named = next((name for name in CERTIFICATES if name in os.environ), CERTIFICATES[0])
        what, step = f"the certificates that {named} names", "name a file of them, or unset it"
    elif isinstance(error, ImportError):
        what, step = f"the proxy that {named} names", "SOCKS needs: pip install socksio"
    else:
        what, step = f"the proxy that {named} names", "write it as http://HOST:PORT"
    reason = redaction.without_pieces(one_line(getattr(error, "strerror", None) or error, 60))
    failed = ConnectionFailed(f"{what} cannot be used ({reason}); {step}")
    failed.sent = False
    return failed
