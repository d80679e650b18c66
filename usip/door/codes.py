# usip: the codes of a door, and how often one may be wrong about them
# MIT licence; Copyright (c) 2026 the usip authors

from .. import limits
from ..clock import later, left
from ..digest import same
from ..errors import UsageError


class Codes:
    """Judges tries, sans I/O, from `now` on. `codes` is a dict: digits, and what they open.

    A try is all that was typed in one call (see Try) until `end`, within limits.CODE_MS of its
    first digit; with `end` None as many digits as the codes have, which then have to be equally
    long. Only a whole try is looked at, never a part of it, so that what is typed says nothing
    until it is complete.

    After limits.CODE_TRIES wrong ones in a row, in whatever calls, nothing is looked at for a time,
    and each further wrong one doubles it. `store` keeps the number of wrong tries over a restart:
    load() gives bytes or None, save(bytes) keeps them. A right code begins anew.
    """

    def __init__(self, codes, now, end="#", store=None):
        self._codes = {}
        for digits in codes:
            code = digits.encode()
            if not code or len(code) > limits.CODE_MAX or code.strip(b"0123456789*#ABCD"):
                raise UsageError("a code is 1 to %d digits" % limits.CODE_MAX)
            if end and end.encode() in code:
                raise UsageError("no code can hold its own end")
            self._codes[code] = codes[digits]
        self.end = end.encode() if end else None
        self.length = 0
        if not end:
            self.length = max([len(c) for c in self._codes])
            if min([len(c) for c in self._codes]) != self.length:
                raise UsageError("without an end all codes have to be equally long")
        # What begins a try again, unless a code has it.
        self.star = b"*" if end and b"*" not in b"".join(self._codes) else None
        self._store = store
        self._until = None
        self.wrong = self._load()  # tries in a row
        # How long ago the last one was nobody knows: the whole time again, from now on.
        if self.wrong >= limits.CODE_TRIES:
            self._lock(now)

    def _load(self):
        try:
            kept = self._store.load() if self._store else None
        except (OSError, ValueError):
            kept = b""
        if kept is None:  # nothing was ever saved
            return 0
        # Who can spoil the store must not get more tries by it.
        return int(kept) if kept.isdigit() and len(kept) < 10 else limits.CODE_TRIES

    def _save(self):
        if self._store:
            try:
                self._store.save(b"%d" % self.wrong)
            except (OSError, MemoryError):  # it counts all the same, until the next restart
                pass

    def locked_ms(self, now):
        """How long nothing will be looked at, 0 when it is. Somebody has to ask now and then: a
        lock that is over must not come back with the clock."""
        if self._until is not None:
            ms = left(self._until, now)
            if 0 < ms <= limits.CODE_LOCK_MAX:
                return ms
            self._until = None
        return 0

    def _lock(self, now):
        n = min(self.wrong - limits.CODE_TRIES, 20)
        self._until = later(now, min(limits.CODE_LOCK << n, limits.CODE_LOCK_MAX))

    def judge(self, typed, now):
        """What comes of a whole try: ("opened", what the code opens), ("wrong-code", how often in a
        row) or ("door-locked", for how many milliseconds)."""
        ms = self.locked_ms(now)
        if ms:
            return "door-locked", ms
        found = None
        for code in self._codes:  # all of them: which one it is must take no time of its own
            if same(typed, code):
                found = code
        if found is not None:
            if self.wrong:
                self.wrong = 0
                self._save()
            return "opened", self._codes[found]
        self.wrong += 1
        self._save()  # before anybody hears of it
        if self.wrong >= limits.CODE_TRIES:
            self._lock(now)
            return "door-locked", self.locked_ms(now)
        return "wrong-code", self.wrong


class Try:
    """What is typed in one call: those of two calls make no code together."""

    def __init__(self, codes):
        self.codes = codes
        self._typed = b""
        self._since = 0

    def digit(self, digit, now):
        """Take one digit (bytes or str). None while more are wanted, else what Codes.judge says."""
        codes = self.codes
        digit = digit.encode() if isinstance(digit, str) else digit
        if self._typed and not 0 <= left(now, self._since) <= limits.CODE_MS:
            self._typed = b""
        if digit == codes.star:
            self._typed = b""  # begin again
            return None
        if digit != codes.end:
            if not self._typed:
                self._since = now
            # One too many stays wrong.
            self._typed = (self._typed + digit)[: limits.CODE_MAX + 1]
            if len(self._typed) != codes.length:
                return None
        elif not self._typed:
            return None
        typed = self._typed
        self._typed = b""
        return codes.judge(typed, now)
