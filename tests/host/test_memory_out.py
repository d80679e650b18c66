"""Memory that runs out at one allocation after the other, and a week in the heap of a board."""

import os
import re
import subprocess

import pytest
import shared

SLOW = True
FOLDER = shared.TESTS / "memory"
# Every so many-th point here; `make endure` tries them all, and lets seven days pass.
ALL = os.environ.get("USIP_ENDURE")
DAYS = "7" if ALL else "2"
LIMIT_S = 3600 if ALL else 250
HEAP = 64 * 1024


def run(runtime, name, *args, heap="512k"):
    argv, env = shared.command(runtime, FOLDER / name, args, heap=heap, frozen=runtime != "cpython")
    done = subprocess.run(
        argv, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=LIMIT_S, text=True
    )
    print(done.stdout)
    assert done.returncode == 0, done.stdout[-3000:]
    return done.stdout


def points(said, least):
    n, faults = map(int, re.search(r"in all (\d+) points, (\d+) faults", said).groups())
    assert faults == 0 and n >= (least * 5 if ALL else least)


@pytest.mark.timeout(LIMIT_S + 30)
@pytest.mark.parametrize("runtime, every", [("cpython", 13), ("unix32", 43)])
def test_core(runtime, every):
    """The agent, its calls, texts and registration: nothing is left, everything works again"""
    points(run(runtime, "core.py", "1" if ALL else str(every), "0", "0"), 500)


@pytest.mark.timeout(LIMIT_S + 30)
def test_core_without_memory_for_long():
    """The same in 40 s in which each entry fails"""
    points(run("cpython", "core.py", "5" if ALL else "41", "40000", "0"), 150)


@pytest.mark.timeout(LIMIT_S + 30)
def test_phone():
    """A phone with sockets, sound and tasks on MicroPython, without memory for three seconds"""
    points(run("unix32", "whole.py", "7" if ALL else "120", "0"), 150)


@pytest.mark.timeout(LIMIT_S + 30)
def test_days():
    """Days of calls, OPTIONS, refreshes and registrars that restart: the heap is flat"""
    # 64 KB for the phone, and what the others' end of the wire takes.
    others = int(re.search(r"others keep (\d+)", run("unix32", "week.py", "0")).group(1))
    said = run("unix32", "week.py", DAYS, heap=str(HEAP + others))
    (shared.TESTS.parent / "build").mkdir(exist_ok=True)
    (shared.TESTS.parent / "build" / "week.txt").write_text(said)
    assert "error" not in said
    rows = re.findall(r"hour (\d+) free (\d+) largest (\d+)", said)
    free = [int(row[1]) for row in rows]
    large = [int(row[2]) for row in rows]
    hours = int(DAYS) * 24
    assert len(free) == hours + 1
    # The first day's tables may grow once more; then not a byte in the trend.
    assert min(free[6:]) > 9000 and max(free[2:]) - min(free[2:]) < 1100, free
    late = sorted(large[-12:])[6]
    assert late >= 0.7 * sorted(large[:12])[6] and min(large) > 1600, large  # a whole INVITE
    got = re.search(
        r"calls in (\d+) out (\d+), OPTIONS (\d+), unanswered (\d+), .*nights (\d+)", said
    )
    into, out, asked, unanswered, nights = map(int, got.groups())
    assert into == out == hours // 2 and nights == int(DAYS)
    assert asked > hours * 115 and not unanswered
    assert int(re.search(r"latest hour (\d+) ms", said).group(1)) < 2000
