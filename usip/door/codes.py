# usip: the codes of a door, and how often one may be wrong about them
# MIT licence; Copyright (c) 2026 the usip authors

from .. import limits
from ..clock import later, left
from ..digest import same
from ..errors import UsageError


class Codes:
    """Judges digits, sans I/O. `codes` is a dict: digits, and what they open.

    A try is all that was typed until `end`, within limits.CODE_MS of its first digit; with `end`
    None as many digits as the codes have, which then have to be equally long. Only a whole try is
    looked at, never a part of it, so that what is typed says nothing until it is complete.

    After limits.CODE_TRIES wrong ones in a row nothing is looked at for a time, and each further
    wrong one doubles it. `store` keeps the number of wrong tries over a restart: load() gives bytes
    or None, save(bytes) keeps them. A right code begins anew.
    """

    def __init__(self, codes, end="#", store=None):
        self._codes = {}
        for digits in codes:
            code = digits.encode()
            if not code or len(code) > limits.CODE_MAX or code.strip(b"0123456789*#ABCD"):
                raise UsageError("a code is 1 to %d digits" % limits.CODE_MAX)
            if end and end.encode() in code:
                raise UsageError("no code can hold its own end")
            self._codes[code] = codes[digits]
        self._end = end.encode() if end else None
        self._length = 0
        if not end:
            self._length = max([len(c) for c in self._codes])
            if min([len(c) for c in self._codes]) != self._length:
                raise UsageError("without an end all codes have to be equally long")
        self._star = b"*" in b"".join(self._codes)
        self._store = store
        self.wrong = 0  # tries in a row
        self._until = None
        self.clear()
        self._load()

    def _load(self):
        try:
            kept = self._store.load() if self._store else None
            self.wrong = min(int(kept), 1000) if kept else 0
        except (OSError, ValueError):  # who can spoil the store must not get more tries by it
            self.wrong = limits.CODE_TRIES
        # How long ago the last one was nobody knows: the whole time again.
        self._fresh = self.wrong >= limits.CODE_TRIES

    def _save(self):
        if self._store:
            try:
                self._store.save(b"%d" % self.wrong)
            except OSError:  # it counts all the same, until the next restart
                pass

    def clear(self):
        """Forget what was typed: another call."""
        self._typed = b""
        self._since = 0

    def locked_ms(self, now):
        """How long nothing will be looked at, 0 when it is."""
        if self._fresh:
            self._fresh = False
            self._lock(now)
        if self._until is not None and left(self._until, now) <= 0:
            self._until = None
        return 0 if self._until is None else left(self._until, now)

    def _lock(self, now):
        n = min(self.wrong - limits.CODE_TRIES, 20)
        self._until = later(now, min(limits.CODE_LOCK << n, limits.CODE_LOCK_MAX))

    def digit(self, digit, now):
        """Take one digit (bytes or str). None while more are wanted, else what came of the try:
        ("opened", what the code opens), ("wrong-code", how often in a row) or ("door-locked", for
        how many milliseconds)."""
        digit = digit.encode() if isinstance(digit, str) else digit
        if self._typed and left(now, self._since) > limits.CODE_MS:
            self._typed = b""
        if digit == b"*" and not self._star and self._end:
            self._typed = b""  # begin again
            return None
        if digit != self._end:
            if not self._typed:
                self._since = now
            # One too many stays wrong.
            self._typed = (self._typed + digit)[: limits.CODE_MAX + 1]
            if len(self._typed) != self._length:
                return None
        elif not self._typed:
            return None
        typed = self._typed
        self._typed = b""
        return self._judge(typed, now)

    def _judge(self, typed, now):
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
