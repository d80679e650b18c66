# usip: addresses, told from names without asking anybody
# MIT licence; Copyright (c) 2026 the usip authors

_HEX = b"0123456789abcdefABCDEF"


def _four(groups):
    for g in groups:
        if not g.isdigit() or len(g) > 3 or int(g) > 255:
            return False
    return len(groups) == 4


def numeric(host):
    """Whether `host` (bytes, no brackets) is an IPv4 or IPv6 address (RFC 3986 3.2.2), no name."""
    if b":" not in host:
        return _four(host.split(b"."))
    halves = host.split(b"::")
    n = 0
    for half in halves:
        for g in half.split(b":") if half else ():
            if not g or len(g) > 4 or g.strip(_HEX):
                return False
            n += 1
    return len(halves) == 1 and n == 8 or len(halves) == 2 and n < 8
