# usip tests: a phone gets each anomaly at the moment that it is meant for, and is as before
# MIT licence; Copyright (c) 2026 the usip authors
#
# As a program: hostile.py STEP [FIRST [SITUATION]]    every STEP-th anomaly, from the FIRST on

import gc
import sys

from anomalies import mutants
from line import SITUATIONS, Line
from sip import SDP
from usip import limits

# Bytes by which a case may differ: a nonce of another length, a queue that is longer than ever. And
# by which a situation of hundreds may: what leaks adds up, and what a board's collector takes for a
# pointer and is none does not.
_SLACK = 128
_SLACK_ALL = 2048
_slack = _SLACK
# A call after every case; where everything takes ten times as long after every fourth.
_CALLS = 4 if hasattr(gc, "mem_alloc") else 1


def _scrub(n):
    # MicroPython looks for pointers on the C stack: overwrite those of calls that are over
    return n and _scrub(n - 1)


def _counted():
    global _slack
    try:
        _scrub(30)
    except RuntimeError:
        _slack = 8 * _SLACK  # a stack that is no deeper: old calls stand on it, and what they held
    gc.collect()
    return gc.mem_alloc()


def _collects():
    # CPython counts no bytes, and WebAssembly's collector waits until Python is left.
    if not hasattr(gc, "mem_alloc"):
        return False
    before = _counted()
    bytearray(4000)
    return _counted() - before < 2000


_EXACT = _collects()


def _used():
    return _counted() if _EXACT else 0


class Hostile:
    def __init__(self):
        self.cases = 0
        self.line = Line()
        for _ in range(2):  # what is made the first time is made
            for _, prepare in SITUATIONS:
                self.line.receive(prepare(self.line))
                assert not self.line.settle()
            self._good()
        for method in (b"OPTIONS", b"INVITE"):  # tables that were full once stay as big
            for _ in range(limits.TRANSACTIONS + 4):
                self.line.receive(self.line.fresh(method, SDP if method == b"INVITE" else b""))
            assert not self.line.settle()
        self.used = _used()
        self.most = 0

    def _good(self):
        assert self.line.good_call(), self.line.events
        left = self.line.settle()
        assert not left, left

    def situation(self, name, prepare, step, first):
        """Each step-th anomaly of this message from the first on."""
        valid = prepare(self.line)
        self.line.settle()
        for n, data in enumerate(mutants(valid)):
            if data and n % step == first:
                try:
                    self._case(prepare, data, valid)
                except Exception:
                    print(name, n, data)
                    raise
                self.cases += 1

    def _case(self, prepare, data, valid):
        before = _used()
        self._send(prepare, data, valid)
        more = _used() - before
        assert more <= _slack, "%d bytes are lost" % more
        self.most = max(more, self.most)

    # A frame of its own, of which nothing is left when the heap is looked at.
    def _send(self, prepare, data, valid):
        line = self.line
        now = prepare(line)
        if now != valid:  # tags and branches are others each time
            data = _renewed(data, valid, now)
        line.receive(data)
        left = line.settle()
        assert not left, left
        if self.cases % _CALLS == 0:
            self._good()


def _words(data):
    # The parts of a message that may be random: what stands between separators
    out = []
    i = data.find(b"\r\n\r\n")
    word = b""
    for k in range(i):
        c = data[k : k + 1]
        if c.isalpha() or c.isdigit() or c == b"-":
            word += c
        else:
            if len(word) > 4:
                out.append(word)
            word = b""
    return out + ([word] if len(word) > 4 else [])


def _renewed(data, valid, now):
    """The anomaly `data` of `valid`, for the message `now` that differs in what is random."""
    for a, b in zip(_words(valid), _words(now)):
        if a != b:
            data = data.replace(a, b)
    return data


def run(step, first=0, only=""):
    h = Hostile()
    for name, prepare in SITUATIONS:
        if only in name:
            before = h.cases
            h.situation(name, prepare, step, first % step)
            more = _used() - h.used
            assert more <= _SLACK_ALL, "%d bytes are lost" % more
            print(name, h.cases - before, "anomalies")
    print("%d cases survived, at most %d bytes more than before" % (h.cases, h.most))
    return h.cases


if __name__ == "__main__":
    a = sys.argv[1:]
    if hasattr(gc, "threshold"):
        if hasattr(gc, "mem_free"):
            gc.threshold(4096)
    run(int(a[0]), int(a[1]) if len(a) > 1 else 0, a[2] if len(a) > 2 else "")
