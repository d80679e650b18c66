"""Thousands of anomalies, each at the moment it is meant for: nothing raises, nothing is left, the
phone is registered, takes the next call, and has the heap that it had.
"""

import gc
import re
import sys

import pytest
import shared

import hostile
from usip import limits

SLOW = True
FILE = shared.TESTS / "support" / "hostile.py"
LEAST = 5000
# 64 KB for the phone, and what makes the anomalies: 8 KB of modules, 4 KB while it makes one
HEAP = "76k"


@pytest.mark.timeout(shared.TIMEOUT_S)
def test_on_cpython(monkeypatch):
    """Too long ones as well: a host's program has room for them."""
    monkeypatch.setattr(limits, "DATAGRAM_MAX", limits.MESSAGE_MAX + 1)
    found = []
    for step in (211, 7, 211):
        cases = hostile.run(step, 3)
        gc.collect()
        found.append((cases, sys.getallocatedblocks()))
    print(found)
    assert found[1][0] >= LEAST
    # The heap of a CPython is never quite the same; 5,000 times anything would be seen.
    assert found[2][1] - found[0][1] < 1000


@pytest.mark.timeout(shared.TIMEOUT_S + 30)
def test_on_unix32():
    """Not a byte of the heap is lost with any of them."""
    said = shared.run("unix32", FILE, "7", "1", heap=HEAP, frozen=True)
    cases, more = map(int, re.search(r"(\d+) cases survived, at most (\d+) bytes", said).groups())
    assert cases >= LEAST
    print(f"{cases} cases, {more} bytes")
