"""Formats of texts in JSON schemas, as patterns, each a stricter one than the standard's own.

The grammar's own formats may go on for ever, or are too large for it, as that of a URI. What is not
among these, a format of an application's own, says nothing of a text, as JSON Schema has it.
"""

DAY = (
    r"[12]\d{3}-((0[1-9]|1[0-2])-(0[1-9]|1\d|2[0-8])|(0[13-9]|1[0-2])-(29|30)|(0[13578]|1[02])-31)"
)
HOUR = r"([01]\d|2[0-3]):[0-5]\d:[0-5]\d(Z|\+00:00)"
SIGN = "([!$&-;=?-Z_a-z~]|%[0-9A-Fa-f]{2})"
PATH = f"/{SIGN}{{0,60}}(#{SIGN}{{1,20}})?"
URL = rf"https?://[A-Za-z0-9.-]{{1,40}}(:\d{{2,5}})?({PATH})?"
LABEL = "[A-Za-z0-9]{1,20}(-[A-Za-z0-9]{1,20}){0,2}"
WORD = "[A-Za-z0-9_+-]{1,20}"
EMAIL = rf"{WORD}(\.{WORD}){{0,2}}@({LABEL}\.){{1,3}}[A-Za-z]{{2,8}}"
HOST = rf"{LABEL}(\.{LABEL}){{0,2}}(\.[A-Za-z]{{2,8}})?"
BYTE = r"(25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)"
IPV4 = rf"{BYTE}(\.{BYTE}){{3}}"
GROUP = "[0-9A-Fa-f]{1,4}"
IPV6 = rf"(({GROUP}:){{7}}{GROUP}|({GROUP}:){{1,6}}:{GROUP}|::1)"
POINTER = r"(/[A-Za-z0-9_-]{1,20})"
QUARTETS = r"([A-Za-z0-9%s]{4}){1,15}"
NUMBER = r"-?[1-9]\d{0,8}"  # no quotes: their escapes are not followed
UUID = r"[0-9a-f]{8}-[0-9a-f]{4}-%s[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"
FORMATS = {
    # of JSON Schema
    "date": DAY, "time": HOUR, "date-time": f"{DAY}T{HOUR}",
    "duration": r"P([1-9]\d?[DWMY]|T[1-9]\d?[HMS])",
    "email": EMAIL, "idn-email": EMAIL, "hostname": HOST, "idn-hostname": HOST,
    "ipv4": IPV4, "ipv6": IPV6, "uuid": UUID % "4",
    "uri": URL, "iri": URL, "uri-template": URL,
    "uri-reference": f"({URL}|{PATH})", "iri-reference": f"({URL}|{PATH})",
    "json-pointer": POINTER + "{1,4}", "relative-json-pointer": rf"\d{POINTER}{{0,3}}",
    "regex": "[A-Za-z0-9 ]{1,40}",
    # of OpenAPI, and of the libraries that write schemas
    "byte": QUARTETS % "+/", "base64": QUARTETS % "+/", "base64url": QUARTETS % "_-",
    "url": URL, "name-email": EMAIL,
    "json-string": rf"({NUMBER}|\[({NUMBER}(, {NUMBER}){{0,9}})?\]|true|false|null)",
    "ipv4network": rf"{BYTE}(\.{BYTE}){{2}}\.0/24", "ipv6network": f"({GROUP}:){{2,4}}:/64",
    "ipv4interface": f"{IPV4}/24", "ipv6interface": f"{IPV6}/64",
    "ipvanyaddress": IPV4, "ipvanyinterface": f"{IPV4}/24", "ipvanynetwork": f"{IPV4}/32",
} | {f"uuid{version}": UUID % version for version in range(1, 9)}  # fmt: skip
PATTERNS = {f"^({pattern})$": pattern for pattern in FORMATS.values()}
