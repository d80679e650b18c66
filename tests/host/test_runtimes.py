"""Every file of tests/unit and tests/sim, on every runtime but the one that runs pytest and the
emulated boards.
"""

import re
import sys

import pytest
import shared

import runner

OWN = "%d.%d" % sys.version_info[:2]
CPYTHONS = [f"cpython{v}" for v in runner.VERSIONS if v != OWN and runner.has_cpython(v)]
UNIX = (*runner.UNIX, *runner.OLDER)


def heap(runtime, file):
    """A file that plays several devices says `HEAPS = 2` when it needs the heaps of two."""
    found = re.search(r"(?m)^HEAPS = (\d)", file.read_text())
    n = int(found.group(1)) if found else 1
    return "%dk" % (n * runner.HEAPS[runtime[:6]])


@pytest.mark.timeout(shared.TIMEOUT_S + 30)
@pytest.mark.parametrize("runtime", [*UNIX, *CPYTHONS, *runner.WASM])
@pytest.mark.parametrize("file", shared.FILES, ids=lambda x: f"{x.parent.name}/{x.stem}")
def test_on(runtime, file):
    # Frozen, as in a firmware: 64 KB hold the phone or its sources' .mpy files, not both.
    how = {"heap": heap(runtime, file), "frozen": True} if runtime in UNIX else {}
    shared.run_file(runtime, file, **how)
