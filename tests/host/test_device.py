"""tests/device on MicroPython: the boards' ports on fakes of machine, network and sockets.

CPython runs the files as they are, where they do not need MicroPython's event loop.
"""

import pytest
import shared

import runner

FILES = sorted(shared.TESTS.glob("device/test_*.py"))
PORTS = [shared.TESTS.parent / "ports" / x for x in ("micropython", "esp32", "rp2", "codecs")]
# The fakes keep what they heard; what a frame costs is measured in test_i2s.
HEAP = {"unix32": "500k", "unix64": "1M"}
# Half a minute of real time: it is the sockets' and drivers' quirks that count there, not pointers.
ONCE = ("test_quirks",)


@pytest.mark.timeout(shared.TIMEOUT_S + 30)
@pytest.mark.parametrize(
    "runtime, file",
    [(r, f) for f in FILES for r in HEAP if r == "unix32" or f.stem not in ONCE],
    ids=lambda x: x if isinstance(x, str) else x.stem,
)
def test_on(runtime, file):
    shared.run(
        runtime, shared.TESTS / "minirun.py", file, path=[file.parent, *PORTS], heap=HEAP[runtime]
    )


def test_there_are_ports():
    assert all(x.is_dir() for x in PORTS) and len(FILES) > 3
    assert set(HEAP) == set(runner.UNIX)
