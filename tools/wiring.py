#!/usr/bin/env python3
"""Draw how a board is wired, from the pins in its board.py.

    tools/wiring.py [--check] [BOARD]...

writes board_configs/BOARD/wiring.svg, and in its README.md the table and how to install; with
--check it only says what is not as the pins say. The pins themselves are checked in any case: a
chip has pins that cannot do what is asked of them, or that let a door open while it starts.
"""

import argparse
import ast
import sys
from html import escape
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BOARDS = ROOT / "board_configs"
MARKS = "<!-- wiring: written by tools/wiring.py -->", "<!-- end of wiring -->"
STEPS = "<!-- installing: written by tools/wiring.py -->", "<!-- end of installing -->"

# What a chip's pins are no good for. `strap`: they tell the chip how to start; `start`: it speaks
# on them meanwhile. What hangs on either may switch.
CHIPS = {
    "ESP32": {
        "pins": set(range(40)) - {20, 24, 28, 29, 30, 31} - set(range(6, 12)),  # 6 to 11: flash
        "inputs": set(range(34, 40)),
        "strap": {0, 2, 5, 12, 15},
        "start": {1, 3, 14},
        "psram": {16, 17},
        "controllers": 2,
        "timers": 4,
    },
    "ESP32-S3": {
        # 19, 20: USB; 26 to 32: flash; 33 to 37: octal PSRAM
        "pins": set(range(49)) - {19, 20, 22, 23, 24, 25} - set(range(26, 38)),
        "inputs": set(),
        "strap": {0, 3, 45, 46},
        "start": {43, 44},
        "controllers": 2,
        "timers": 4,
    },
    "ESP32-C3": {
        "pins": set(range(22)) - set(range(11, 20)),  # flash, USB
        "inputs": set(),
        "strap": {2, 8, 9},
        "start": {20, 21},
        "controllers": 1,
        "timers": 2,
    },
    "RP2040": {
        "pins": set(range(29)) - {23, 24, 25},  # the Pico W's radio
        "inputs": set(),
        "strap": set(),
        "controllers": 2,
        "timers": 0,  # software's: -1
    },
}
CLOCKS = "sck", "ws"
OUTPUTS = {
    "microphone": CLOCKS,
    "amplifier": (*CLOCKS, "sd", "enable"),
    "opener": ("pin",),
    "ringer": ("pin",),
    "lamp": ("pin",),
    "codec": ("scl", "sda", "mclk"),
}
PARTS = ("microphone", "amplifier", "codec", "button", "opener", "ringer", "lamp")
PIN_KEYS = ("pin", "sck", "ws", "sd", "enable", "scl", "sda", "mclk")

# What a part's terminals are called, and where they go: a pin of the board by its name in BOARD, a
# supply, or a note in brackets.
TERMINALS = {
    "INMP441": (
        *(("VDD", "3V3"), ("GND", "GND"), ("L/R", "GND")),
        *(("SCK", "sck"), ("WS", "ws"), ("SD", "sd")),
    ),
    "MAX98357A": (
        *(("VIN", "5V"), ("GND", "GND"), ("BCLK", "sck"), ("LRC", "ws"), ("DIN", "sd")),
        *(("SD", "enable"), ("GAIN", "(open: 9 dB)")),
        ("+ and -", "(loudspeaker, 4 to 8 ohms)"),
    ),
    "push button": (("one side", "pin"), ("other side", "GND")),
    "bell wire": (("optocoupler, collector", "pin"), ("optocoupler, emitter", "GND")),
    "relay module": (("VCC", "5V"), ("GND", "GND"), ("IN, and 10 k to {rest}", "pin")),
    "passive buzzer": (("+, through 100 ohms", "pin"), ("-", "GND")),
    "LED": (("anode, through 330 ohms", "pin"), ("cathode", "GND")),
}


def read(name):
    """The BOARD of a board, without running anything."""
    tree = ast.parse((BOARDS / name / "board.py").read_text())
    for node in tree.body:
        if isinstance(node, ast.Assign) and node.targets[0].id == "BOARD":
            return ast.literal_eval(node.value)
    raise ValueError(f"{name}/board.py has no BOARD")


def names():
    return sorted(x.parent.name for x in BOARDS.glob("*/board.py"))


def used(board):
    """(part, key, pin) of every pin."""
    return [
        (part, key, board[part][key])
        for part in PARTS
        for key in PIN_KEYS
        if isinstance(board.get(part), dict) and board[part].get(key) is not None
    ]


def problems(board):
    """What is wrong with the pins, as lines of text."""
    chip = CHIPS.get(board["chip"])
    if not chip:
        return []
    found, taken = [], {}
    audio = board.get("microphone"), board.get("amplifier")
    one = all(audio) and audio[0]["id"] == audio[1]["id"]
    for part, key, pin in used(board):
        if pin not in chip["pins"]:
            found.append(f"{part}: {board['chip']} has no free pin {pin} ({key})")
        if pin in chip["inputs"] and key in OUTPUTS.get(part, ()):
            found.append(f"{part}: pin {pin} ({key}) can only read")
        if pin in chip["inputs"] and part == "button" and board["button"].get("pull") != 0:
            found.append(f"button: pin {pin} has no pull-up of its own: pull=0 and a resistor")
        if board.get("variant") and pin in chip.get("psram", ()):
            found.append(f"{part}: pin {pin} ({key}) is the PSRAM's")
        if part == "opener" and pin in chip["strap"] | chip.get("start", set()):
            found.append(f"opener: pin {pin} changes while the chip starts: the door would open")
        other = taken.setdefault(pin, (part, key))
        shared = one and key in CLOCKS and other[1] == key
        if other != (part, key) and not shared:
            found.append(f"pin {pin} is {other[0]}'s {other[1]} and {part}'s {key}")
    for row in filter(None, audio):
        if row["id"] not in range(chip["controllers"]):
            found.append(f"I2S {row['id']}: {board['chip']} has {chip['controllers']}")
        if board["port"] == "rp2" and row["ws"] != row["sck"] + 1:
            found.append(f"I2S {row['id']}: WS has to be the pin after SCK")
    if all(audio) and not one and audio[0]["sck"] == audio[1]["sck"]:
        found.append("two controllers drive one clock: the same id for both (half duplex)")
    timer = board.get("opener", {}).get("timer", -1)
    if timer not in (range(chip["timers"]) if chip["timers"] else (-1,)):
        found.append(f"opener: {board['chip']} has no timer {timer}")
    return found


def label(board, pin):
    return f"{'GP' if board['port'] == 'rp2' else 'GPIO'}{pin}"


def wires(board):
    """(part, terminal, where to) of every wire; of what is on the board itself (part, pin's name,
    where) with a True behind."""
    rows = []
    for part in PARTS:
        row = board.get(part)
        if not row:
            continue
        what = f"{row.get('part') or ', '.join(row['parts'])} ({part})"
        if row.get("inside"):
            for key in PIN_KEYS:
                if row.get(key) is not None:
                    rows.append((what, key.upper(), label(board, row[key]), True))
            continue
        for terminal, to in TERMINALS[row["part"]]:
            if to in PIN_KEYS:
                if row.get(to) is None:
                    continue
                terminal = terminal.format(rest="GND" if row.get("on", 1) else "3V3")
                to = label(board, row[to])
            rows.append((what, terminal, to, False))
    return rows


def table(board):
    lines = [f"Tried: {board['tried']}.", ""]
    rows = wires(board)
    if rows:
        lines += ["![wiring](wiring.svg)", "", "| part | terminal | board |", "|---|---|---|"]
    before = None
    for what, terminal, to, inside in rows:
        first = "" if what == before else what + (", on the board" if inside else "")
        lines.append(f"| {first} | {terminal} | {to} |")
        before = what
    row = board.get("opener", {})
    if row.get("part") == "relay module":
        lines += ["", RELAY[row["on"]] + TRY.format(row["most_ms"] // 1000)]
    return "\n".join(lines)


RELAY = {
    1: """\
The relay: take a module that switches on when IN is HIGH, or set its jumper to H. Most with an
optocoupler switch on when IN is LOW: then write `"on": 0` in board.py and put the 10 k to 3V3.
""",
    0: """\
The relay: a module that switches on when IN is LOW. For one that does when IN is HIGH write
`"on": 1` in board.py and put the 10 k to GND.
""",
}
TRY = """\
Try it with the lock disconnected: the relay must be silent when you plug in and press reset.

A timer ends each pulse after {} s at the latest, whatever the program does; when the program is
ended by hand (Ctrl-D, mpremote), which stops the timer too, it is boot.py that switches off."""


# -------------------------------------------------------------------------------------- installing

FROZEN = """\
1. A firmware with usip in it: from files usip takes more heap than this board has. It wants a clone
   of MicroPython's repository, {version} or newer, and {tools}.

       make firmware BOARD={name} MICROPYTHON=~/micropython
       make flash BOARD={name} PORT={flash} FIRMWARE=build/firmware/{name}/build/{file}

   {hold}
"""
FILES = """\
1. MicroPython {version} or newer for {firmware} of the variant {variant}, from micropython.org:

       make flash BOARD={name} PORT={flash} FIRMWARE=~/Downloads/{firmware}-{variant}-....{ending}

   {hold} A board without PSRAM has too little heap for usip from files. It wants
   `make firmware BOARD={name} MICROPYTHON=~/micropython`, in a clone of MicroPython's repository
   and with {tools};
   then FIRMWARE is build/firmware/{name}/build-{variant}/{file}. With PSRAM there is more heap so.
"""
STEP = """\
2. A file config.py; the account is made in the PBX.

       WIFI = "network", "key"
       ACCOUNT = "sip:door@fritz.box"
       PASSWORD = "secret"
       RING = "**9"
       CODE = "1234"
       ALLOW = "registrar"
       TALK_S = 300

   In a FRITZ!Box: Telefonie > Telefoniegeräte > Neues Gerät, "Türsprechanlage (LAN/WLAN)" or
   "Telefon (LAN/WLAN)", with a user name and a password of your own. ACCOUNT is then
   "sip:USER@fritz.box"; RING "**9" is all phones, "**610" one of them, "11" the bell key of a
   Türsprechanlage. `examples/door.py` says what else there is.
3. What is the board's own, now and after each change of config.py, board.py or the program:

       make install BOARD={name} PORT={port} CONFIG=config.py

   compiles and copies it, `examples/door.py` as the program, compares what arrived and starts it.
4. `build/venv/bin/mpremote connect {port} repl` shows what it does (Ctrl-] leaves): `joining`, then
   `registered`, `talking`, `call over: HungUp`, or what is wrong, as `no answer from
   192.168.178.1:5060: wrong user name or address?`

Ctrl-C there ends the program, and the watchdog restarts the board {bite}; nothing stops it, a
soft reset neither. For a day at the bench: WATCHDOG = 0 in config.py. {bench}
"""
IDF = "ESP-IDF as its ports/esp32/README.md says, with `. export.sh` done in this shell"
ARM = "arm-none-eabi-gcc and cmake"
BOOTSEL = "Hold BOOTSEL while you plug it in: PORT is the drive that appears."
BOOT = "Where no port answers: hold BOOT while you plug it in."
BENCH = """`make install` writes a file `bench`, with which
no watchdog starts, and removes it; after one that was broken off install again, or
`mpremote rm :bench`."""
HOUR = """`make install` gives itself an hour and
resets the board."""


def installing(name, board):
    if board["chip"] not in CHIPS:
        return f"See {board['tried'].split()[-1]}."
    rp2 = board["port"] == "rp2"
    how = {
        "name": name,
        "version": "1.26" if rp2 else "1.23",
        "tools": ARM if rp2 else IDF,
        "file": "firmware.uf2" if rp2 else "firmware.bin",
        "ending": "uf2" if rp2 else "bin",
        "port": "/dev/ttyUSB0" if board["chip"] == "ESP32" else "/dev/ttyACM0",
        "hold": BOOTSEL if rp2 else BOOT,
        "bite": "8 s later" if rp2 else "30 s later",
        "bench": BENCH if rp2 else HOUR,
        "firmware": board["firmware"],
        "variant": board.get("variant"),
    }
    how["flash"] = "/media/you/RPI-RP2" if rp2 else how["port"]
    return ((FILES if how["variant"] else FROZEN) + STEP).format(**how).rstrip()


# ----------------------------------------------------------------------------------------- drawing

COLOURS = {"3V3": "#d62728", "5V": "#b30000", "GND": "#222222"}
SIGNALS = ("#1f77b4", "#2ca02c", "#9467bd", "#ff7f0e", "#17becf", "#8c564b")
ROW, GAP, LEFT, RIGHT, WIDTH = 24, 20, 230, 470, 760


def svg(board):
    """One line a wire, from the board on the left to the parts on the right."""
    groups = {}
    for what, terminal, to, inside in wires(board):
        groups.setdefault((what, inside), []).append((terminal, to))
    out, y, n = [], 70, 0
    for (what, inside), rows in groups.items():
        height = ROW * len(rows) + 26
        fill = "#eef3ee" if inside else "#fff8e8"
        out.append(
            f'<rect x="{RIGHT}" y="{y}" width="{WIDTH - RIGHT - 20}" height="{height}" rx="6" '
            f'fill="{fill}" stroke="#666"/>'
            f'<text x="{RIGHT + 12}" y="{y + 18}" class="b">{escape(what)}</text>'
        )
        line = y + 26 + ROW // 2
        for terminal, to in rows:
            out.append(f'<text x="{RIGHT + 12}" y="{line + 4}">{escape(terminal)}</text>')
            if to.startswith("("):
                out.append(
                    f'<text x="{RIGHT - 10}" y="{line + 4}" class="e">{escape(to[1:-1])}</text>'
                )
            else:
                colour = COLOURS.get(to) or SIGNALS[n % len(SIGNALS)]
                n += to not in COLOURS
                dash = ' stroke-dasharray="5 4"' if inside else ""
                out.append(
                    f'<path d="M{LEFT} {line}H{RIGHT}" stroke="{colour}" stroke-width="2.5"{dash}/>'
                    f'<circle cx="{LEFT}" cy="{line}" r="4" fill="{colour}"/>'
                    f'<circle cx="{RIGHT}" cy="{line}" r="4" fill="{colour}"/>'
                    f'<text x="{LEFT - 12}" y="{line + 4}" class="e">{escape(to)}</text>'
                )
            line += ROW
        y += height + GAP
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {y + 30}" width="{WIDTH}">'
        "<style>text{font:13px sans-serif;fill:#111}.b{font-weight:bold}.e{text-anchor:end}"
        ".h{font-size:17px;font-weight:bold}.s{fill:#555}</style>"
        f'<rect width="{WIDTH}" height="{y + 30}" fill="white"/>'
        f'<text x="20" y="34" class="h">{escape(board["name"])}</text>'
        f'<rect x="20" y="55" width="{LEFT - 20}" height="{y - 60}" rx="8" fill="#e6eef8" '
        'stroke="#666"/>'
        f'<text x="36" y="80" class="b">{escape(board["chip"])}</text>'
        f'<text x="20" y="{y + 18}" class="s">A supply or ground that is drawn more than once is '
        "one pin. Broken lines: on the board already.</text>"
    )
    return "\n".join([head, *out, "</svg>", ""])


def readme(name, board):
    """The README with its table and its steps as they should be."""
    file = BOARDS / name / "README.md"
    empty = "\n\n".join("\n".join(x) for x in (MARKS, STEPS))
    text = file.read_text("utf-8") if file.exists() else f"# {board['name']}\n\n{empty}\n"
    for marks, part in ((MARKS, table(board)), (STEPS, installing(name, board))):
        before, _, rest = text.partition(marks[0])
        after = rest.partition(marks[1])[2]
        text = f"{before}{marks[0]}\n{part}\n{marks[1]}{after}"
    return text


def files(name):
    """{path: text} of what is made from a board's pins."""
    board = read(name)
    made = {BOARDS / name / "README.md": readme(name, board)}
    if wires(board):
        made[BOARDS / name / "wiring.svg"] = svg(board)
    return made


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("boards", metavar="BOARD", nargs="*")
    parser.add_argument("--check", action="store_true", help="write nothing")
    args = parser.parse_args()
    bad = 0
    for name in args.boards or names():
        if name not in names():
            parser.error(f"no board {name}: {' '.join(names())}")
        for line in problems(read(name)):
            print(f"{name}: {line}", file=sys.stderr)
            bad += 1
        for path, text in files(name).items():
            if not path.exists() or path.read_text("utf-8") != text:
                print(path.relative_to(ROOT), "differs" if args.check else "written")
                bad += args.check
                if not args.check:
                    path.write_text(text, "utf-8")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
