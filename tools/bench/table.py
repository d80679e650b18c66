"""Rows of the bench: what was measured, how, with which versions; the table and bench.json."""

import json
import os
import platform
import re
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
HERE = os.path.join(ROOT, "tools", "bench")
for _folder in ("tools", "ports/host", "ports/cpython", "."):
    sys.path.insert(0, os.path.join(ROOT, _folder))

FILE = os.path.join(ROOT, "build", "bench.json")

# What usip wants to stay below, and in AT_LEAST above: wished for before there was a line of it.
GOALS = {
    "heap_register_mpy": 28 * 1024,
    "heap_call_mpy": 64 * 1024,
    "heap_call_frozen": 40 * 1024,
    "heap_import_phone_mpy": 18 * 1024,
    "heap_import_phone_frozen": 8 * 1024,
    "rtp_alloc_per_packet": 0,
    "rtp_alloc_per_packet_call": 0,
    "mpy_bytes_total": 60 * 1024,
    "mpy_bytes_ringer": 30 * 1024,
    "parse_x_naive": 3.0,
    "build_200_x_naive": 6.0,
    "uas_cpu_ms_per_call": 0.4,
    "idle_wakeups_per_min": 0.1,
}
AT_LEAST = {"uas_clean_calls_per_s": 1000}


class Missing(Exception):
    """Cannot be measured here; the text says why."""


def said(*argv):
    """The first line that a program says; "" when it is not there."""
    try:
        out = subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    except OSError:
        return ""
    return (out.stdout.strip().splitlines() or [""])[0]


def own_version():
    from usip import __version__

    commit = said("git", "-C", ROOT, "rev-parse", "--short", "HEAD")
    changed = said("git", "-C", ROOT, "status", "--porcelain", "--", "usip", "ports")
    if not re.fullmatch("[0-9a-f]+", commit):
        return __version__
    return f"{__version__} {commit}{' changed' if changed else ''}"


class Table:
    """Collects rows and prints each as it comes: name, value, unit, the goal where there is one
    (with ! when it is missed), how it was measured."""

    def __init__(self):
        self.rows = []
        self.base = {"usip": own_version(), "python": platform.python_version()}

    def add(self, name, value, unit, how, **versions):
        if isinstance(value, float):
            value = round(value, 3)
        row = {"name": name, "value": value, "unit": unit, "how": how}
        row["versions"] = {**self.base, **versions}
        goal = GOALS.get(name)
        against = ""
        if goal is not None:
            row["goal"] = goal
            against = f"<= {goal:,}" if value <= goal else f"> {goal:,} !"
        elif name in AT_LEAST:
            row["goal"] = goal = AT_LEAST[name]
            against = f">= {goal:,}" if value >= goal else f"< {goal:,} !"
        self.rows = [r for r in self.rows if r["name"] != name] + [row]
        shown = f"{value:,}" if isinstance(value, int) else str(value)
        print(f"{name:34} {shown:>12} {unit:14} {against:>12}  {how}", flush=True)

    def skip(self, what, why):
        print(f"{what:34} {'-':>12} {'':14} {'':12}  not measured: {why}", flush=True)

    def write(self):
        """Rows of an earlier run that this one did not measure stay: each says what it is of."""
        try:
            with open(FILE) as f:
                old = json.load(f)
        except (OSError, ValueError):
            old = []
        new = {r["name"] for r in self.rows}
        os.makedirs(os.path.dirname(FILE), exist_ok=True)
        with open(FILE + ".new", "w") as f:
            json.dump([r for r in old if r["name"] not in new] + self.rows, f, indent=1)
            f.write("\n")
        os.replace(FILE + ".new", FILE)


def micropython(argv):
    """The version of the interpreter that a command line begins with."""
    return micropython_of(said(argv[0], "-c", "import sys; print(sys.version)"))


def micropython_of(text):
    found = re.search(r"MicroPython[- ]v?([0-9.]+)", text)
    return found.group(1) if found else text
