"""The main CPython's own view of the tests: the module path that tools/run gives other runtimes."""

import contextlib
import fcntl
import re
import signal
import sys
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parent
ROOT = TESTS.parent
FIRST = "test_long_calls"  # takes minutes: begins first, for the others to be done meanwhile
for folder in (".", "ports/cpython", "ports/host", "tools", "tests/support"):
    sys.path.insert(0, str((ROOT / folder).resolve()))

import runner  # noqa: E402  (it is found on the path made above)

# A shell that runs us in the background has SIGINT ignored, and so would all that we start: the
# tests of Ctrl-C need it.
if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True)
def limits_as_they_are():
    """A test may set limits for itself, and for nobody after it."""
    from usip import limits

    kept = dict(vars(limits))
    yield
    vars(limits).update(kept)


@contextlib.contextmanager
def _held(name, how):
    (ROOT / "build").mkdir(exist_ok=True)
    with open(ROOT / "build" / name, "w") as file:
        fcntl.flock(file, how)
        yield


@pytest.fixture(autouse=True)
def the_machine(request):
    """Tests run side by side, but for one that says `alone`: it waits for the others, which wait at
    the door meanwhile. Calls of minutes, who sleep nearly always, disturb nobody.
    """
    if request.path.stem == FIRST:
        yield
    elif request.node.get_closest_marker("alone"):
        with _held(".door", fcntl.LOCK_EX), _held(".machine", fcntl.LOCK_EX):
            yield
    else:
        with contextlib.ExitStack() as room:
            with _held(".door", fcntl.LOCK_EX):
                room.enter_context(_held(".machine", fcntl.LOCK_SH))
            yield


def is_slow(path):
    """A test file says `SLOW = True` when `make test-fast` shall leave it out; sim is slow."""
    return path.parent.name == "sim" or bool(re.search(r"(?m)^SLOW = True", path.read_text()))


def pytest_collection_modifyitems(items):
    items.sort(key=lambda item: item.path.stem != FIRST)
    for item in items:
        path = item.callspec.params.get("file") if hasattr(item, "callspec") else None
        path = path if isinstance(path, Path) else item.path
        if is_slow(path):
            item.add_marker(pytest.mark.slow)


def pytest_terminal_summary(terminalreporter):
    missing = [v for v in runner.VERSIONS if not runner.has_cpython(v)]
    if missing:
        terminalreporter.write_line(f"CPython not on this machine: {' '.join(missing)}")
