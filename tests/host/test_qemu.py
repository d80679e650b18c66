"""Every file of tests/unit and tests/sim on boards without an operating system, emulated.

The stock boards have no asyncio, time, select, md5 and no files: what runs there needs none of
them. A board starts in a quarter of a second, so that each file has one of its own.
"""

import signal
import subprocess
import time

import pytest
import shared

import runner

pytestmark = pytest.mark.slow
BOARDS = runner.build.QEMU_TARGETS
OWN = [x for x in BOARDS if not x.endswith("-stock")]
TIMEOUT_S = shared.TIMEOUT_S


@pytest.mark.timeout(TIMEOUT_S + 60)  # the first one builds the firmware
@pytest.mark.parametrize("board", BOARDS)
@pytest.mark.parametrize("file", shared.FILES, ids=lambda x: f"{x.parent.name}/{x.stem}")
def test_on(board, file):
    shared.run_file(board, file)


@pytest.mark.timeout(TIMEOUT_S + 60)
@pytest.mark.parametrize("board", OWN)
def test_virtual_time(board):
    """Timers of half a minute on the board's own clock, in a second."""
    folder = shared.TESTS / "virtual"
    started = time.monotonic()
    main = shared.TESTS / "minirun.py"
    said = shared.run(board, main, folder / "test_timers.py", path=[folder], virtual=True)
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
    argv, env = shared.command(board, program, args, timeout=timeout)
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
