"""Every file of tests/unit and tests/sim, on every runtime but the one that runs pytest."""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import runner

TESTS = Path(__file__).resolve().parent.parent
FILES = sorted([*TESTS.glob("unit/test_*.py"), *TESTS.glob("sim/test_*.py")])
OWN = "%d.%d" % sys.version_info[:2]
CPYTHONS = [f"cpython{v}" for v in runner.VERSIONS if v != OWN and runner.has_cpython(v)]
HEAP = {"unix32": "64k", "unix64": "128k"}  # pointers are twice as wide on unix64
TIMEOUT_S = 300


def heap(runtime, file):
    """A file that plays several devices says `HEAPS = 2` when it needs the heaps of two."""
    if runtime not in HEAP:
        return None
    found = re.search(r"(?m)^HEAPS = (\d)", file.read_text())
    n = int(found.group(1)) if found else 1
    return "%dk" % (n * int(HEAP[runtime][:-1]))


@pytest.mark.timeout(TIMEOUT_S + 30)
@pytest.mark.parametrize("runtime", [*runner.UNIX, *CPYTHONS])
@pytest.mark.parametrize("file", FILES, ids=lambda x: f"{x.parent.name}/{x.stem}")
def test_on(runtime, file):
    main = TESTS / "minirun.py"
    try:
        # Frozen, as in a firmware: 64 KB hold the phone or its sources' .mpy files, not both.
        argv, env = runner.command(
            runtime, main, [file], heap=heap(runtime, file), frozen=runtime in runner.UNIX
        )
    except runner.RunError as error:
        if os.environ.get("CI") == "true" or "mpy-cross:" in str(error):
            pytest.fail(str(error), pytrace=False)
        pytest.skip(str(error))
    pipe = subprocess.PIPE
    process = subprocess.Popen(argv, env=env, stdout=pipe, stderr=subprocess.STDOUT)
    try:
        output, _ = process.communicate(timeout=TIMEOUT_S)
    except subprocess.TimeoutExpired:
        process.kill()
        output, _ = process.communicate()
        output += b"\nended after %d s" % TIMEOUT_S
    print(output.decode(errors="replace"))
    if process.returncode:
        how = f"exit status {process.returncode}"
        if process.returncode < 0:
            how = f"signal {signal.Signals(-process.returncode).name}"
        bad = [x for x in output.decode(errors="replace").splitlines() if "FAILED" in x]
        pytest.fail(f"{runtime} {file.name}: {how}: {' '.join(bad)[:300]}", pytrace=False)
