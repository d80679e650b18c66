# usip: scanners for header field values
# MIT licence; Copyright (c) 2026 the usip authors
#
# All take bytes and give bytes; all are iterative (a board recurses 40 levels); all raise
# ProtocolError(400) and nothing else, whatever the bytes.

from . import limits
from .errors import ProtocolError

# RFC 3261 25.1: token = 1*(alphanum / "-" / "." / "!" / "%" / "*" / "_" / "+" / "`" / "'" / "~")
_MARKS = b"-.!%*_+`'~"


def is_token(b):
    """True if `b` is a token."""
    if b.replace(b"-", b"").isalpha():  # nearly all are: without a loop that is interpreted
        return True
    for c in b:
        if not (48 <= c <= 57 or 97 <= (c | 32) <= 122 or c in _MARKS):
            return False
    return len(b) > 0


def number(b, most=limits.NUMBER_MAX):
    """The decimal number `b`: ASCII digits only (int() takes "+1", " 1 " and "1_0"), at most
    `most`.
    """
    # isdigit() is true for more than ASCII on str only; on bytes it is exact. Leading zeros are
    # legal.
    if not b.isdigit():
        raise ProtocolError(400, "bad number")
    if len(b) > 10:
        # CPython reads no more than 4,300 digits, and raises an error of its own
        b = b.lstrip(b"0")[:11] or b"0"
    n = int(b)
    if n > most:
        raise ProtocolError(400, "number too large")
    return n


def split(value, sep=b","):
    """The parts of `value` between separators that stand neither in quotes nor in <>, each
    stripped.
    """
    parts = []
    if b'"' not in value:
        if b"<" not in value:
            return [p.strip() for p in value.split(sep)]
        return _split(value, sep)
    at = i = 0
    quoted = angle = False
    sep = sep[0]
    n = len(value)
    while i < n:
        c = value[i]
        if quoted:
            if c == 92:  # a backslash escapes what follows, NUL included
                i += 1
            elif c == 34:
                quoted = False
        elif c == 34 and not angle:
            quoted = True
        elif c == 60:
            angle = True
        elif c == 62:
            angle = False
        elif c == sep and not angle:
            parts.append(value[at:i].strip())
            at = i + 1
        i += 1
    if quoted or angle:
        raise ProtocolError(400, "unbalanced quote or bracket")
    parts.append(value[at:].strip())
    return parts


def _split(value, sep):
    # Without quotes: from one bracket to the next. Each octet is looked at once, and nothing is
    # copied but the parts: a value of 8,000 separators is no way to keep a board busy.
    parts = []
    at = i = 0
    angle = value.find(b"<")
    while True:
        j = value.find(sep, i, len(value) if angle < 0 else angle)
        if j >= 0:
            parts.append(value[at:j].strip())
            at = i = j + 1
        elif angle < 0:
            parts.append(value[at:].strip())
            return parts
        else:
            i = value.find(b">", angle) + 1
            if not i:
                raise ProtocolError(400, "unbalanced quote or bracket")
            angle = value.find(b"<", i)


def param(params, name):
    """The value of parameter `name` (lower case) in `;a=b;c`: bytes, b"" for a flag, None if it is
    not there.
    """
    # Most lookups hit or fail at once: do not split before a cheap look.
    i = params.find(b";" + name + b"=")
    if i < 0:
        if name not in params.lower():
            return None
    elif b'"' not in params and b"<" not in params:
        i += len(name) + 2
        j = params.find(b";", i)
        return (params[i:] if j < 0 else params[i:j]).strip()
    for p in split(params, b";"):
        i = p.find(b"=")
        if i < 0:
            if p.lower() == name:
                return b""
        elif p[:i].strip().lower() == name:
            return p[i + 1 :].strip()
    return None


def unquote(value):
    """A quoted string without its quotes and escapes; anything else as it is."""
    if len(value) < 2 or value[0] != 34 or value[-1] != 34:
        return value
    value = value[1:-1]
    i = value.find(b"\\")
    if i < 0:
        return value
    out = bytearray(value)  # once, however many there are
    n = i
    while i < len(value):
        if value[i] == 92:
            i += 1
        if i < len(value):
            out[n] = value[i]
            n += 1
        i += 1
    return bytes(out[:n])


def quote(value):
    """`value` as a quoted string (RFC 3261 25.1)."""
    return b'"' + value.replace(b"\\", b"\\\\").replace(b'"', b'\\"') + b'"'


def address(value):
    """(display name, URI, parameters) of a From, To, Contact, Route, ... value (RFC 3261 20.10).

    The display name is unquoted; the parameters keep their leading semicolon. Without <> everything
    from the first semicolon is a header parameter, and the URI must not hold a comma, a question
    mark or white space."""
    value = value.strip()
    display = b""
    if value[:1] == b'"':
        i = 1
        while value[i : i + 1] != b'"':
            if i >= len(value):
                raise ProtocolError(400, "unterminated quoted string")
            i += 2 if value[i] == 92 else 1
        display = unquote(value[: i + 1])
        value = value[i + 1 :].lstrip()
        if value[:1] != b"<":
            raise ProtocolError(400, "no <URI> after the display name")
    i = value.find(b"<")
    if i < 0:
        i = value.find(b";")
        if i < 0:
            i = len(value)
        uri = value[:i].strip()
        if b"?" in uri or b"," in uri or b" " in uri or b"\t" in uri:
            raise ProtocolError(400, "URI must stand in <>")
    else:
        if i:
            display = value[:i].strip() or display
            if b'"' in display:
                raise ProtocolError(400, "stray quote in display name")
        j = value.find(b">", i)
        if j < 0:
            raise ProtocolError(400, "no > after <")
        uri = value[i + 1 : j]
        i = j + 1
    params = value[i:].lstrip()
    if not uri or params and params[0] != 59:
        raise ProtocolError(400, "bad address")
    if b'"' in params or b"<" in params:
        split(params, b";")  # what does not end would swallow a tag of ours
    return display, uri, params


def host_port(value):
    """(host, port) of `host`, `host:port`, `[v6]`, `[v6]:port`; port 0 when there is none. The host
    keeps its brackets.
    """
    i = value.find(b":")
    host = value if i < 0 else value[:i]
    if not host.replace(b".", b"").isdigit():  # an IPv4 address needs no further look
        if value[:1] == b"[":
            i = value.find(b"]") + 1
            if i < 4:
                raise ProtocolError(400, "bad IPv6 reference")
            for c in value[1 : i - 1].lower():
                if c not in b"0123456789abcdef:.":
                    raise ProtocolError(400, "bad IPv6 reference")
            host = value[:i]
            if not value[i:].strip():
                return host, 0
            if value[i] != 58:
                raise ProtocolError(400, "bad port")
        else:
            for c in host:
                if not (48 <= c <= 57 or 97 <= (c | 32) <= 122 or c in b"-._"):
                    raise ProtocolError(400, "bad host")
            if not host:
                raise ProtocolError(400, "no host")
    return host, 0 if i < 0 else number(value[i + 1 :].strip(), 65535)


def via(value):
    """(transport, host, port, parameters) of one Via value (RFC 3261 20.42); port 0 when there is
    none.
    """
    i = value.find(b";")
    if i < 0:
        i = len(value)
    params = value[i:]
    # Without a second space, which nearly all are, there is nothing to strip.
    plain = value[:12] == b"SIP/2.0/UDP " and value.count(b" ") == 1 and b"\t" not in value
    if plain:
        transport = b"UDP"
        by = value[12:i]
    else:
        # LWS is legal around each slash and around the colon of sent-by.
        p = value[:i].split(b"/")
        if len(p) != 3 or p[0].strip().upper() != b"SIP" or p[1].strip() != b"2.0":
            raise ProtocolError(400, "bad Via")
        p = p[2].split(None, 1)
        if len(p) != 2 or not is_token(p[0]):
            raise ProtocolError(400, "bad Via")
        transport = p[0].upper()
        by = p[1].strip()
        i = by.find(b":", by.find(b"]") + 1)
        if i > 0:
            by = by[:i].strip() + b":" + by[i + 1 :].strip()
    host, port = host_port(by)
    if not plain or b";;" in params or params[-1:] == b";":
        for q in split(params[1:], b";") if params else ():
            if not q:
                raise ProtocolError(400, "empty Via parameter")
    return transport, host, port, params
