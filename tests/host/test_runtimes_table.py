"""The README's table of interpreters and platforms is the tools' own, and they are what it says."""

import pytest
import shared

import runner
import runtimes_table

ROWS = runtimes_table.rows()


def test_readme_has_it():
    assert runtimes_table.main(["--check"]) == 0


def test_every_runtime_is_in_it_once():
    told = [name for row in ROWS for name in row.names]
    assert sorted(told) == sorted([*runner.names(), *runner.build.QEMU_FLASH])


MICROPYTHONS = [x for x in runner.names() if not x.startswith("cpython")]


@pytest.mark.timeout(shared.TIMEOUT_S + 30)  # it may have to be built
@pytest.mark.parametrize("runtime", MICROPYTHONS)
def test_it_is_true(runtime):
    """The release, the heap and what there is and is not, by the interpreter's own word."""
    row = next(x for x in ROWS if runtime in x.names)
    heap = f"{row.heap}k" if runtime.startswith("unix") else None
    features, release, size = shared.probe(runtime, heap)
    assert "MicroPython " + release == row.version
    assert features == row.features
    if row.heap:
        assert 0.96 * row.heap < size <= row.heap  # the rest is the garbage collector's own
