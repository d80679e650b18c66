# usip: SIP URIs, RFC 3261 19.1
# MIT licence; Copyright (c) 2026 the usip authors

from .errors import ProtocolError, UsageError
from .header import host_port, param

_RESERVED = b";/?:@&=+$,"


def _digit(c):
    # The value of a hexadecimal digit, -1 when it is none
    if 48 <= c <= 57:
        return c - 48
    c |= 32
    return c - 87 if 97 <= c <= 102 else -1


def unescape(b, keep=b""):
    """`b` with each %XX replaced once, but for those of the characters in `keep`; a % that starts
    no escape stays (RFC 3261 19.1.2).
    """
    i = b.find(b"%")
    if i < 0:
        return b
    out = bytearray(b)  # once, however many there are
    n = i
    while i < len(b):
        c = b[i]
        i += 1
        if c == 37 and i + 1 < len(b):
            h = _digit(b[i])
            k = _digit(b[i + 1])
            if h >= 0 and k >= 0:
                k += h * 16
                i += 2
                if k in keep:
                    out[n : n + 3] = b"%%%02X" % k
                    n += 3
                    continue
                c = k
        out[n] = c
        n += 1
    return bytes(out[:n])


def sip(b):
    """The Uri of `b` from the application; UsageError when it is no SIP URI."""
    try:
        u = Uri(b)
    except ProtocolError:
        u = None
    if not u or not u.host:
        raise UsageError("not a SIP URI: " + repr(b))
    return u


class Uri:
    """A parsed URI: `scheme`, `user`, `password`, `host`, `port` (0 if none), `params` and
    `headers`, as on the wire.

    `params` keeps its leading ";", `headers` lacks its "?". For a scheme other than sip and sips
    only `scheme` and `opaque` (what follows the colon) are set. Raises ProtocolError(400) on bad
    syntax."""

    def __init__(self, b):
        i = b.find(b":")
        self.scheme = b[:i].lower() if i > 0 else b""
        self.user = self.password = None
        self.host = self.params = self.headers = self.opaque = b""
        self.port = 0
        if not self.scheme or not self.scheme[:1].isalpha():
            raise ProtocolError(400, "no URI scheme")
        for c in b:
            if c <= 32 or c == 127 or c in b'<>"':
                raise ProtocolError(400, "bad character in URI")
        rest = b[i + 1 :]
        if self.scheme not in (b"sip", b"sips"):
            self.opaque = rest
            return
        # The user part may hold ; and ? (RFC 4475 3.1.1.9): look for the @ first. A header may hold
        # no bare @.
        i = rest.find(b"@")
        if i >= 0:
            self.user = rest[:i]
            rest = rest[i + 1 :]
            i = self.user.find(b":")
            if i >= 0:
                self.password = self.user[i + 1 :]
                self.user = self.user[:i]
            if not self.user:
                raise ProtocolError(400, "empty user in URI")
        i = rest.find(b"?")
        if i >= 0:
            self.headers = rest[i + 1 :]
            rest = rest[:i]
        i = rest.find(b";")
        if i >= 0:
            self.params = rest[i:]
            rest = rest[:i]
        self.host, self.port = host_port(rest)

    def param(self, name):
        """The value of a URI parameter, b"" for a flag, None if it is not there."""
        return param(self.params, name) if self.params else None

    def text(self, bare=False):
        """The URI as bytes; `bare` leaves out the headers (RFC 3261 19.1.1: none in a
        Request-URI).
        """
        if not self.host:
            return self.scheme + b":" + self.opaque
        s = self.scheme + b":"
        if self.user is not None:
            s += self.user
            if self.password is not None:
                s += b":" + self.password
            s += b"@"
        s += self.host
        if self.port:
            s += b":%d" % self.port
        s += self.params
        if self.headers and not bare:
            s += b"?" + self.headers
        return s


def _params(uri):
    d = {}
    for p in uri.params.split(b";"):
        if p:
            i = p.find(b"=")
            if i < 0:
                d[unescape(p).lower()] = b""
            else:
                d[unescape(p[:i]).lower()] = unescape(p[i + 1 :]).lower()
    return d


def _headers(uri):
    return sorted([unescape(h).lower() for h in uri.headers.split(b"&")])


def _same(a, b):
    # A reserved character is not the same as its escape.
    return a == b if a is None or b is None else unescape(a, _RESERVED) == unescape(b, _RESERVED)


def equal(a, b):
    """True if the Uris `a` and `b` are equivalent (RFC 3261 19.1.4)."""
    if (
        a.scheme != b.scheme
        or a.opaque != b.opaque
        or a.host.lower() != b.host.lower()
        or a.port != b.port
        or not _same(a.user, b.user)
        or not _same(a.password, b.password)
        or _headers(a) != _headers(b)
    ):
        return False
    pa = _params(a)
    pb = _params(b)
    for k in pa:
        if k in pb:
            if pa[k] != pb[k]:
                return False
        elif k in (b"user", b"ttl", b"method", b"maddr", b"transport"):
            return False
    for k in pb:
        if k not in pa and k in (b"user", b"ttl", b"method", b"maddr", b"transport"):
            return False
    return True
