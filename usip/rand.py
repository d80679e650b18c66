# usip: random bytes for tags, branches, nonces, SSRC
# MIT licence; Copyright (c) 2026 the usip authors

try:
    from os import urandom
except (
    ImportError
):  # a bare-metal build without it: seeded by the port, good enough for tags, not for secrets
    from random import getrandbits

    def urandom(n):
        return bytes([getrandbits(8) for _ in range(n)])


from binascii import hexlify


def token(n):
    """`n` random hexadecimal digits as bytes (RFC 3261 19.3: a tag has at least 32 random bits)."""
    return hexlify(urandom((n + 1) // 2))[:n]


def below(n):
    """A random integer, 0 <= it < n <= 65536."""
    b = urandom(3)
    return ((b[0] << 16) | (b[1] << 8) | b[2]) % n
