"""Boards: pins that their chips have, drawings and tables that say the same, manifests that find
what they freeze.
"""

import copy
import os
import re
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
import shared

import runner

sys.path.append(os.path.join(runner.ROOT, "tools"))

import wiring  # noqa: E402  (found on the path made above)

NAMES = wiring.names()
WIRED = [x for x in NAMES if wiring.read(x)["chip"] in wiring.CHIPS]


def test_there_are_the_boards():
    assert {wiring.read(x)["chip"] for x in WIRED} == set(wiring.CHIPS) and len(WIRED) >= 6


@pytest.mark.parametrize("name", NAMES)
def test_pins_fit_the_chip(name):
    assert wiring.problems(wiring.read(name)) == []


@pytest.mark.parametrize("name", NAMES)
def test_drawing_and_table_are_of_these_pins(name):
    for path, text in wiring.files(name).items():
        assert path.read_text("utf-8") == text, f"{path.name}: run tools/wiring.py"
    assert "Tried: " in (wiring.BOARDS / name / "README.md").read_text("utf-8")


@pytest.mark.parametrize("name", WIRED)
def test_drawing_shows_every_pin(name):
    """Read back from the picture: what is at both ends of a line."""
    board = wiring.read(name)
    tree = ET.parse(wiring.BOARDS / name / "wiring.svg")
    space = "{http://www.w3.org/2000/svg}"
    texts = {}
    for e in tree.iter(space + "text"):
        texts.setdefault(e.get("y"), []).append((float(e.get("x")), e.text))
    lines = []
    for e in tree.iter(space + "path"):
        x, y, to = map(int, re.fullmatch(r"M(\d+) (\d+)H(\d+)", e.get("d")).groups())
        left, right = sorted(texts[str(y + 4)])
        assert left[0] < x < to < right[0]
        lines.append((left[1], right[1]))
    drawn = [x[0] for x in lines]
    for _, _, pin in wiring.used(board):
        assert wiring.label(board, pin) in drawn
    wanted = [(to, terminal) for _, terminal, to, _ in wiring.wires(board) if to[0] != "("]
    assert lines == wanted


# What is changed in the reference build, and what is then said.
MISTAKES = {
    "flash": (("button", "pin", 7), "no free pin 7"),
    "an input as an output": (("amplifier", "sd", 35), "pin 35 (sd) can only read"),
    "no pull-up": (("button", "pin", 39), "no pull-up"),
    "a strapping pin opens": (("opener", "pin", 12), "the door would open"),
    "an UART's pin opens": (("opener", "pin", 3), "the door would open"),
    "a JTAG's pin opens": (("opener", "pin", 14), "the door would open"),
    "twice": (("lamp", "pin", 23), "pin 23 is opener's pin and lamp's pin"),
    "no such controller": (("amplifier", "id", 2), "ESP32 has 2"),
    "one clock, two controllers": (("amplifier", "sck", 32), "drive one clock"),
    "no such timer": (("opener", "timer", 4), "no timer 4"),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_mistakes_are_seen(name):
    (part, key, pin), said = MISTAKES[name]
    board = copy.deepcopy(wiring.read("ESP32_DEVKIT_I2S"))
    board[part][key] = pin
    assert any(said in x for x in wiring.problems(board)), wiring.problems(board)


def test_mistakes_of_other_chips():
    board = wiring.read("RPI_PICO_W_I2S")
    board["microphone"]["ws"] = 9
    assert any("pin after SCK" in x for x in wiring.problems(board))
    board = wiring.read("ESP32_C3_RING")
    board["opener"]["pin"] = 21
    assert any("the door would open" in x for x in wiring.problems(board))
    board = wiring.read("ESP32_S3_DEVKIT_I2S")
    board["opener"]["pin"] = 44
    assert any("the door would open" in x for x in wiring.problems(board))
    # A WROVER: the same chip, and PSRAM on two of its pins.
    board = wiring.read("ESP32_DEVKIT_I2S")
    board["lamp"]["pin"] = 16
    assert not wiring.problems(board)
    board["variant"] = "SPIRAM"
    assert wiring.problems(board) == ["lamp: pin 16 (pin) is the PSRAM's"]
    board = wiring.read("ESP32_C3_RING")
    board["amplifier"] = {"id": 1, "sck": 0, "ws": 1, "sd": 3}
    assert wiring.problems(board) == ["I2S 1: ESP32-C3 has 1"]


@pytest.mark.parametrize("name", WIRED)
def test_manifest(name, tmp_path):
    """As MicroPython's build reads it, but that its own manifest is an empty one."""
    cross = shared.compiler()
    trees = sorted((runner.build.CACHE / "src").glob("micropython-*"))
    own = os.environ.get("MICROPYTHON")
    tree = Path(own) if own else trees[-1]
    assert cross.exists()
    (tmp_path / "boards").mkdir()
    (tmp_path / "boards" / "manifest.py").write_text("")
    sys.path.append(str(tree / "tools"))
    import manifestfile

    path = {"MPY_DIR": str(tree), "PORT_DIR": str(tmp_path), "MPY_LIB_DIR": str(tmp_path)}
    m = manifestfile.ManifestFile(manifestfile.MODE_FREEZE, path)
    m.execute(str(wiring.BOARDS / name / "manifest.py"))
    frozen = {x.target_path for x in m.files()}
    board = wiring.read(name)
    wanted = {"board.py", "usip/phone.py", f"usip_{board['port']}/__init__.py"}
    wanted |= {"usip_micropython/net.py", "usip_micropython/i2s.py"}
    if "codec" in board:
        wanted |= {"usip_codecs/es8388.py"}
    assert wanted <= frozen
    assert not {x for x in frozen if "cpython" in x or "usip_host" in x}
