# usip: digest authentication, the client's side and what the server shares
# MIT licence; Copyright (c) 2026 the usip authors

from binascii import hexlify
from hashlib import sha256

from . import limits
from .errors import ProtocolError
from .header import quote
from .rand import token

try:
    from hashlib import md5 as _md5

    _md5(b"")  # a CPython under a FIPS policy has it and refuses

    def md5(data):
        return _md5(data).digest()
except (ImportError, ValueError):
    from .md5 import md5

# RFC 7616 3.3, RFC 8760 2.2: the weaker first; each also with -SESS
ALGORITHMS = (b"MD5", b"SHA-256")


def digest(strength, data):
    """The hexadecimal digest of `data`; `strength` indexes ALGORITHMS."""
    return hexlify(sha256(data).digest() if strength else md5(data))


def same(a, b):
    """Whether the bytes `a` and `b` are equal. `b` is the secret one; how long it takes says only
    how long `a` is."""
    wrong = len(a) ^ len(b)
    for i in range(len(a)):
        wrong |= a[i] ^ (b[i % len(b)] if b else 1)
    return not wrong


def response(strength, a1, prime, middle, method, uri):
    """RFC 7616 3.4.1.

    `a1` is user:realm:password; `prime` nonce:cnonce of the first answer in the -sess forms (3.4.2)
    or None; `middle` nonce:nc:cnonce:qop, or nonce alone in RFC 2069's form.
    """
    h = digest(strength, a1)
    if prime:
        h = digest(strength, h + b":" + prime)
    return digest(strength, b":".join((h, middle, digest(strength, method + b":" + uri))))


def params(value):
    """The parameters of a challenge or of credentials, the names in lower case.

    Tolerant of order, white space, unknown names and missing quotes. The values lose their quotes
    and keep their escapes: that is the form that is hashed and sent back (RFC 7616 3.4: unq()).
    """
    n = len(value)
    if n > limits.AUTH_MAX:
        raise ProtocolError(400, "challenge too long")
    for c in value:
        if c < 32 and c != 9:  # it will be sent back
            raise ProtocolError(400, "control character in challenge")
    found = {}
    i = 0
    while True:
        j = value.find(b"=", i)
        if j < 0:
            return found
        name = value[i:j]
        name = name[name.rfind(b",") + 1 :].strip().lower()
        if b" " in name:  # a second challenge in one line, as HTTP allows
            return found
        i = j + 1
        while i < n and value[i] in b" \t":
            i += 1
        if value[i : i + 1] == b'"':
            j = i = i + 1
            while value[j : j + 1] != b'"':
                if j >= n:
                    raise ProtocolError(400, "unterminated quote")
                j += 2 if value[j] == 92 else 1
            x = value[i:j]
            i = value.find(b",", j)
        else:
            j = value.find(b",", i)
            x = value[i : j if j >= 0 else n].strip()
            if b'"' in x or b"\\" in x:  # could not be sent back in quotes
                raise ProtocolError(400, "stray quote")
            i = j
        if name in found or len(found) >= limits.AUTH_PARAMS:
            raise ProtocolError(400, "parameter twice or too many")
        found[name] = x
        if i < 0:
            return found


def credentials(value):
    """The parameters of an Authorization or WWW-Authenticate value; None if it is not Digest."""
    value = value.strip()
    if value[:6].lower() == b"digest" and value[6:7].isspace():
        return params(value[7:])
    return None


class _Challenge:
    def __init__(self, found):
        self.realm = found.get(b"realm")
        self.nonce = found.get(b"nonce", b"")
        self.opaque = found.get(b"opaque")
        self.stale = found.get(b"stale", b"").lower() == b"true"
        self.count = 0  # nc: answers given with this nonce
        # Sent back as it was written: a server that names none may not expect one.
        self.algorithm = found.get(b"algorithm")
        name = (self.algorithm or b"MD5").upper()
        # -sess, RFC 7616 3.4.2: nonce:cnonce of the first answer. The cnonce stays: servers without
        # memory take the one of the request at hand, and so both readings of the RFC are met.
        self.cnonce = self.prime = None
        if name[-5:] == b"-SESS":
            name = name[:-5]
            self.cnonce = token(16)
            self.prime = b"%s:%s" % (self.nonce, self.cnonce)
        # 3.3: qop is a list; without it RFC 2069's form is meant
        self.qop = found.get(b"qop")
        # Twice the algorithm's place, and one if we can answer: an unusable challenge does not give
        # way to a usable one of a weaker algorithm, for that would be a downgrade.
        self.strength = -2
        if self.realm is not None and self.nonce and name in ALGORITHMS:
            self.strength = ALGORITHMS.index(name) * 2
            if not self.qop or b"auth" in [q.strip() for q in self.qop.lower().split(b",")]:
                self.strength += 1


class Credentials:
    """One account's user name and password, and the challenges that they have answered.

    A request starts with tries = 0. When it is challenged, tries = challenge(values, proxy, tries):
    0 says that it has failed, anything else to send it again with authorization() in it. `realms`
    lists the realms that may ask, as they stand between the quotes; None: any, until bind().
    """

    def __init__(self, user, password, realms=None):
        self.user = user
        self.realms = realms
        self._password = password
        self._last = [None, None]  # what WWW-Authenticate asked for, what Proxy-Authenticate did

    def challenge(self, values, proxy, tries=0):
        """Choose from the values of a 401's or (`proxy`) 407's header lines."""
        best = None
        for value in values:
            try:
                c = credentials(value)
            except ProtocolError:  # another line may be better
                continue
            if c:
                c = _Challenge(c)
                # RFC 8760 2.4: the strongest, the first of equals
                if (self.realms is None or c.realm in self.realms) and (
                    not best or c.strength > best.strength
                ):
                    best = c
        if not best or not best.strength & 1:
            return 0
        # tries, in bits: 1 a 401 was answered, 2 a 407, 4 a stale nonce; above them all answers
        bit = 2 if proxy else 1
        old = self._last[proxy]
        if tries & bit and old and old.realm == best.realm:
            # The realm asks again: it refuses the password, unless the nonce was too old.
            if not best.stale or tries & 4:
                # The next request asks anew: with the old answer in it each would be two guesses.
                self._last[proxy] = None
                return 0
            tries |= 4
        elif tries >= limits.AUTH_TRIES * 8:
            return 0
        else:
            tries = (tries | bit) + 8
        if old and old.nonce == best.nonce:
            best.count = old.count  # RFC 7616 3.4: nc counts per nonce
        self._last[proxy] = best
        return tries

    def authorization(self, proxy, method, uri):
        """The value of (Proxy-)Authorization for one request, or None if nobody has asked yet."""
        c = self._last[proxy]
        if not c:
            return None
        cnonce = c.cnonce or token(16)
        middle = c.nonce
        more = b""
        if c.qop:
            c.count += 1
            more = b"%08x" % c.count
            middle = b"%s:%s:%s:auth" % (middle, more, cnonce)
            more = b", qop=auth, nc=" + more
        if c.qop or c.cnonce:
            more += b', cnonce="%s"' % cnonce
        if c.algorithm:
            more += b", algorithm=" + c.algorithm
        if c.opaque is not None:
            more += b', opaque="%s"' % c.opaque
        a1 = b":".join((self.user, c.realm, self._password))
        return b'Digest username=%s, realm="%s", nonce="%s", uri="%s", response="%s"%s' % (
            quote(self.user),
            c.realm,
            c.nonce,
            uri,
            response(c.strength >> 1, a1, c.prime, middle, method, uri),
            more,
        )

    def info(self, value, proxy=False):
        """A 2xx held (Proxy-)Authentication-Info: it may name the next nonce (RFC 7616 3.5)."""
        c = self._last[proxy]
        try:
            nonce = params(value).get(b"nextnonce")
        except ProtocolError:
            return
        if c and nonce and nonce != c.nonce:
            c.nonce = nonce
            c.count = 0

    def forget(self):
        """Answer no challenge that came before."""
        self._last = [None, None]

    def bind(self):
        """A REGISTER was accepted: from now on only the realms that it answered may ask."""
        if self.realms is None:
            self.realms = [c.realm for c in self._last if c] or None
