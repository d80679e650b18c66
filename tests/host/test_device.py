"""tests/device on MicroPython: the boards' ports on fakes of machine, network and sockets.

CPython runs the files as they are, where they do not need MicroPython's event loop.
"""

import pytest
import shared

import runner

FILES = sorted(shared.TESTS.glob("device/test_*.py"))
PORTS = [shared.TESTS.parent / "ports" / x for x in ("micropython", "esp32", "rp2", "codecs")]
HEAP = {"unix32": "160k", "unix64": "320k"}  # two phones, two drivers, what they heard


@pytest.mark.timeout(shared.TIMEOUT_S + 30)
@pytest.mark.parametrize("runtime", HEAP)
@pytest.mark.parametrize("file", FILES, ids=lambda x: x.stem)
def test_on(runtime, file):
    shared.run(
        runtime, shared.TESTS / "minirun.py", file, path=[file.parent, *PORTS], heap=HEAP[runtime]
    )


def test_there_are_ports():
    assert all(x.is_dir() for x in PORTS) and len(FILES) > 3
    assert set(HEAP) == set(runner.UNIX)
