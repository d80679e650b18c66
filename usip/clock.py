# usip: times that wrap
# MIT licence; Copyright (c) 2026 the usip authors

# Milliseconds modulo 2**30, as time.ticks_ms() counts on a 32-bit board (12.4 days). Every
# comparison of times in usip goes through these two functions. A deadline may lie at most 2**29 ms
# (6.2 days) ahead: limits.EXPIRES_MAX keeps to it.
_MASK = 0x3FFFFFFF


def later(now, ms):
    """The deadline `ms` milliseconds after `now`."""
    return (now + ms) & _MASK


def left(deadline, now):
    """Milliseconds from `now` to `deadline`; negative when it has passed."""
    # Stays below 2**30 all the way: a bigger number would be a heap object on a 32-bit board.
    d = (deadline - now) & _MASK
    return d if d < 0x20000000 else d - _MASK - 1
