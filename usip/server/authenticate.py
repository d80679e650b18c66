# usip: digest authentication, the server's side
# MIT licence; Copyright (c) 2026 the usip authors

from .. import limits
from ..clock import later, left
from ..digest import ALGORITHMS, credentials, digest, response, same
from ..errors import ProtocolError
from ..header import quote, unquote
from ..rand import token

# 3.1 days in ms: no secret gets older, so that no nonce comes round again with the clock. It has
# to be looked at for that: poll().
_DAYS = 0x10000000


class Authenticator:
    """Challenges and judges. `lookup(user)` gives the password, or None for a stranger.

    A nonce says itself when it was made and proves that we made it. Remembered is only how far the
    last limits.NONCES of those in use have counted, so that no request can be replayed.

    It belongs into its agent's `parts`: without poll() a nonce comes round with the clock.
    """

    def __init__(self, realm, lookup, algorithms=(b"SHA-256", b"MD5"), nonce_ms=300_000):
        self.lookup = lookup
        self.algorithms = algorithms
        self.nonce_ms = nonce_ms
        self._realm = quote(realm)[1:-1]
        self._secret = None

    def poll(self, now):
        """Forget a secret that is too old. Returns the milliseconds until it is, None: there is
        none."""
        if self._secret:
            age = left(now, self._born)
            if 0 <= age < _DAYS:
                return _DAYS - age
            self._secret = None
        return None

    def _sign(self, stamp, now):
        self.poll(now)
        if not self._secret:
            self._secret = token(32)
            self._born = now
            self._used = []  # [nonce, nc, when the nonce was made]
            # The newest of those that were pushed out: what is no newer counts as used.
            self._floor = later(now, -1)
        # Fixed length, and half of the hash is kept back: nothing can be appended.
        return stamp + digest(1, self._secret + stamp)[:32]

    def challenges(self, now, stale=False):
        """The values of the WWW-Authenticate lines of a 401."""
        nonce = self._sign(b"%08x" % now + token(8), now)
        more = b", stale=true" if stale else b""
        return [
            b'Digest realm="%s", nonce="%s", qop="auth", algorithm=%s%s'
            % (self._realm, nonce, a, more)
            for a in self.algorithms
        ]

    def ours(self, values):
        """The first of the Authorization values that answers our challenge, None when none does:
        some are for those that the request came by (RFC 3261 22.3)."""
        for value in values:
            try:
                if (credentials(value) or {}).get(b"realm") == self._realm:
                    return value
            except ProtocolError:
                pass  # nothing that we could judge
        return None

    def check(self, value, method, uri, now):
        """Judge an Authorization value: (user, False), or (None, stale) when it has to be refused.

        `stale`: the password was right and the nonce was not; challenges(now, True) lets the client
        answer again without asking its user (RFC 7616 3.3). Raises ProtocolError(400) on nonsense.
        """
        get = (credentials(value) or {}).get
        name = get(b"algorithm", b"MD5").upper()
        # RFC 3261 22.4: what the digest covers is worth nothing if it is not this request's own URI
        if get(b"realm") != self._realm or get(b"uri") != uri or name not in self.algorithms:
            return None, False
        nonce = middle = get(b"nonce", b"")
        nc = b"00000001"  # RFC 2069's form has none: such an answer is good once
        qop = get(b"qop")
        if qop is not None:
            nc = get(b"nc", b"")
            middle = b":".join((nonce, nc, get(b"cnonce", b""), qop))
        if len(nc) != 8 or nc.lower().strip(b"0123456789abcdef") or qop not in (None, b"auth"):
            raise ProtocolError(400, "bad nc or qop")
        user = unquote(b'"%s"' % get(b"username", b""))
        password = self.lookup(user)
        # A stranger takes as long as a user, and a wrong first digit as long as a wrong last one.
        a1 = b":".join((user, self._realm, password or token(16)))
        want = response(ALGORITHMS.index(name), a1, None, middle, method, uri)
        if not same(get(b"response", b"").lower(), want):
            return None, False
        if self._fresh(nonce, int(nc, 16), now):
            return user, False
        return None, True

    def _fresh(self, nonce, count, now):
        if self._sign(nonce[:16], now) != nonce:
            return False
        made = int(nonce[:8], 16)
        if not 0 <= left(now, made) < self.nonce_ms:
            return False
        used = self._used
        for u in used:
            if u[0] == nonce:
                if count <= u[1]:
                    return False
                u[1] = count
                return True
        if left(made, self._floor) <= 0:
            return False
        used.append([nonce, count, made])
        if len(used) > limits.NONCES:
            made = used.pop(0)[2]
            if left(made, self._floor) > 0:
                self._floor = made
        return True
