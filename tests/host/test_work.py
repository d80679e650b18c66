"""What a message costs grows as its length does, whatever it consists of: no few kilobytes keep a
board busy for seconds.
"""

import re
import sys

import pytest
import shared

import scanwork

FILE = shared.TESTS / "support" / "scanwork.py"
PER_OCTET = 90  # of heap, all in all: what is parsed is garbage soon, and to be collected


def steps(f, data):
    """Lines of usip that f(data) runs through."""
    n = 0

    def local(frame, event, arg):
        nonlocal n
        n += 1
        return local

    sys.settrace(lambda frame, event, arg: local if "usip" in frame.f_code.co_filename else None)
    try:
        f(data)
    finally:
        sys.settrace(None)
    return n


def test_steps():
    for what, half, whole in scanwork.growth(steps, scanwork.BEFORE[:1], 4):
        assert whole <= 2.2 * half + 300, (what, half, whole)


@pytest.mark.timeout(shared.TIMEOUT_S + 30)
def test_heap():
    """Of all that was ever asked for, on a 32-bit board."""
    said = shared.run("unix32", FILE, heap="2M")
    found = re.findall(r"(?m)^(\d+) (\d+) (\d+) (.*)$", said)
    assert len(found) == len(scanwork.SCANNERS) * len(scanwork.PIECES) * len(scanwork.BEFORE)
    for row in found:
        n, half, whole = map(int, row[:3])
        assert whole <= 2.3 * half + 7000, row
        assert whole <= PER_OCTET * n + 3000, row
