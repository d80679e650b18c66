"""What the echo canceller takes off recorded speech, by second: build/sound/erle.json."""

import json
import os
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import shared

import runner
from peers import sounds
from runtimes.debian import Missing

SLOW = True
DEVICE = Path(runner.ROOT, "tools", "bench", "device", "erle.py")
VOICE = str(shared.TESTS / "support")
FIGURES = Path(runner.ROOT, "build", "sound")
CASES = ("plain", "noise", "clip", "moved", "turned", "louder", "double")


@pytest.fixture(scope="module")
def erle():
    """{case or taps: ERLE of each second in dB}"""
    try:
        found = sounds.ensure() if os.environ.get("CI") or sounds.stamp().exists() else None
    except Missing as error:
        pytest.fail(str(error), pytrace=False)
    if not found:
        pytest.skip("no speech on this machine (tools/peers/sounds.py)")
    # the longest of one voice, and one of another language
    english, other = list(found.prompts().values())[:2]
    voices = [max(x, key=lambda f: Path(f).stat().st_size) for x in (english, other)]

    def measure(taps, case):
        argv, env = shared.command(
            "unix32", DEVICE, (str(taps), case, *voices), heap="1M", path=[VOICE]
        )
        done = subprocess.run(argv, env=env, capture_output=True, text=True, timeout=100)
        assert done.returncode == 0, done.stdout + done.stderr
        return [float(x) for x in done.stdout.split()]

    jobs = {case: (128, case) for case in CASES} | {"64": (64, "plain"), "256": (256, "plain")}
    with ThreadPoolExecutor(2) as pool:
        rows = dict(zip(jobs, pool.map(lambda x: measure(*x), jobs.values())))
    FIGURES.mkdir(parents=True, exist_ok=True)
    (FIGURES / "erle.json").write_text(json.dumps(rows, indent=1) + "\n")
    for name, row in rows.items():
        print(f"{name:8}", *(f"{x:5.1f}" for x in row))
    return rows


def mean(row, first, last):
    return sum(row[first:last]) / (last - first)


def test_learns(erle):
    """A second for 8 dB, three for what the taps allow."""
    assert erle["plain"][1] > 12 and mean(erle["plain"], 3, 12) > 16
    assert mean(erle["64"], 3, 12) > 10 and mean(erle["256"], 3, 12) > 16


def test_poor_hardware_and_rooms(erle):
    assert mean(erle["clip"], 3, 12) > 6
    assert mean(erle["noise"], 3, 12) > 10


def test_somebody_speaks(erle):
    """What was learned is neither lost while he does nor afterwards."""
    row = erle["double"]
    assert mean(row, 5, 8) > 8 and mean(row, 9, 12) > mean(row, 3, 5) - 4


def test_the_path_changes(erle):
    for case in ("moved", "turned", "louder"):
        assert mean(erle[case], 9, 12) > 12, case


def test_is_never_worse_than_nothing(erle):
    """But for the second in which the path turns over: that doubles the echo."""
    for name, row in erle.items():
        worst = min(row[:6] + row[7:] if name == "turned" else row)
        assert worst > 0, (name, row)
