"""Every file of tests/unit and tests/sim on boards without an operating system, emulated.

The stock boards have no asyncio, time, select, md5 and no files: what runs there needs none of
them. A board starts in a quarter of a second, so that each file has one of its own.
"""

import os
import re
import signal
import subprocess
import time
from pathlib import Path

import pytest

import runner

pytestmark = pytest.mark.slow
TESTS = Path(__file__).resolve().parent.parent
FILES = sorted([*TESTS.glob("unit/test_*.py"), *TESTS.glob("sim/test_*.py")])
BOARDS = runner.build.QEMU_TARGETS
OWN = [x for x in BOARDS if not x.endswith("-stock")]
# What a file asks for, and which boards have it.
FEATURES = {
    "asyncio": (r"(?m)^\s*(import|from) (asyncio|usip\.(phone|driver|pump))\b", OWN),
    "files": (r"(?<!def )(?<![.\w])open\(", OWN),
}
# A thousand days of test_seeds are too long for an emulator: each board gets another hundred.
ONLY = {"test_seeds": {x: f"seeds_{i}00" for i, x in enumerate(BOARDS)}}
TIMEOUT_S = 240


def source(file):
    """The text of a test file and of the helpers that it imports."""
    text = file.read_text()
    names = re.findall(r"(?m)^\s*(?:import|from) (\w+)", text)
    helpers = [TESTS / "support" / f"{x}.py" for x in names]
    return text + "".join(source(x) for x in helpers if x.exists() and x != file)


def on_board(board, *args, **how):
    """Run tests/minirun.py; what it printed."""
    main = TESTS / "minirun.py"
    try:
        argv, env = runner.command(
            board, main, args, function="main", timeout=TIMEOUT_S - 20, **how
        )
    except runner.RunError as error:
        if os.environ.get("CI") or "mpy-cross:" in str(error):
            pytest.fail(str(error), pytrace=False)
        pytest.skip(str(error))
    done = subprocess.run(
        argv, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=TIMEOUT_S
    )
    output = done.stdout.decode(errors="replace")
    print(output)
    if done.returncode:
        bad = [x for x in output.splitlines() if "FAILED" in x or "Error" in x]
        how = f"exit status {done.returncode}: {' '.join(bad)[:300]}"
        pytest.fail(f"{board}: {how}", pytrace=False)
    return output


@pytest.mark.timeout(TIMEOUT_S + 60)  # the first one builds the firmware
@pytest.mark.parametrize("board", BOARDS)
@pytest.mark.parametrize("file", FILES, ids=lambda x: f"{x.parent.name}/{x.stem}")
def test_on(board, file):
    text = source(file)
    lacking = [x for x, (sign, has) in FEATURES.items() if re.search(sign, text)]
    lacking = [x for x in lacking if board not in FEATURES[x][1]]
    if lacking:
        pytest.skip(f"{board} has no {' and no '.join(lacking)}")
    only = ONLY.get(file.stem, {}).get(board)
    on_board(board, *(["-k", only] if only else []), file)


@pytest.mark.timeout(TIMEOUT_S + 60)
@pytest.mark.parametrize("board", OWN)
def test_virtual_time(board):
    """Timers of half a minute on the board's own clock, in a second."""
    folder = TESTS / "virtual"
    started = time.monotonic()
    said = on_board(board, folder / "test_timers.py", path=[folder], virtual=True)
    print(f"{time.monotonic() - started:.1f} s")
    assert "3 ok, 0 failed, 0 skipped" in said


PROGRAM = """\
# what tools/run is to run
def main(name, *args):
    print(name.split("/")[-1], args)
    return 7


if __name__ == "__main__":
    import sys

    if len(sys.argv) == 1:
        print("looping")
        while True:
            pass
    if sys.argv[1] == "file":
        with open(sys.argv[2]) as f:
            text = f.read()
        with open(sys.argv[2], "w") as f:
            f.write(text + "and back")
    if sys.argv[1] == "fail":
        raise ValueError(sys.argv[2])
    sys.exit(main(*sys.argv))
"""


def run(board, tmp_path, *args, timeout=30, interrupt=False):
    program = tmp_path / "program.py"
    program.write_text(PROGRAM)
    try:
        argv, env = runner.command(board, program, args, timeout=timeout)
    except runner.RunError as error:
        if os.environ.get("CI"):
            pytest.fail(str(error), pytrace=False)
        pytest.skip(str(error))
    process = subprocess.Popen(
        argv, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    if interrupt:
        assert process.stdout.readline() == "looping\n"
        process.send_signal(signal.SIGINT)
    out, errors = process.communicate(timeout=60)
    return process.returncode, out, errors


@pytest.mark.timeout(TIMEOUT_S)
@pytest.mark.parametrize("board", BOARDS)
def test_program(board, tmp_path):
    """tools/run on a board: arguments, output, exit status, a traceback, an end in any case."""
    assert run(board, tmp_path, "a b", "'\\") == (7, "program.py ('a b', \"'\\\\\")\n", "")
    code, out, errors = run(board, tmp_path, "fail", "why")
    assert code == 1 and out.endswith("ValueError: why\n") and "line 20" in out
    code, out, errors = run(board, tmp_path, timeout=5)
    assert (code, out) == (124, "looping\n") and "ended after 5 s" in errors


@pytest.mark.timeout(TIMEOUT_S)
@pytest.mark.parametrize("board", OWN)
def test_program_on_own_board(board, tmp_path):
    """files of this machine, and Ctrl-C"""
    file = tmp_path / "text"
    file.write_text("there ")
    assert run(board, tmp_path, "file", str(file))[0] == 7
    assert file.read_text() == "there and back"
    code, out, _ = run(board, tmp_path, interrupt=True)
    assert code == 1 and out.endswith("KeyboardInterrupt: \n")
