"""Speed on CPython as ratios to a naive parser and builder, and beside libraries from PyPI."""

import json
import os
import subprocess
import sys

from alloc import CORPUS
from table import HERE, ROOT, Missing

VENV = os.path.join(ROOT, "build", "bench-venv")
RIVALS = ("sipmessage", "sippy", "aiosipua")
WANTED = (*RIVALS, "matplotlib")  # for chart.py
ROUNDS = 400


def venv():
    """An interpreter that has what could be installed of the rivals; this one if none could."""
    python = os.path.join(VENV, "bin", "python")
    mark = os.path.join(VENV, ".made-" + "-".join(WANTED))
    if not os.path.exists(mark):
        subprocess.run([sys.executable, "-m", "venv", VENV], capture_output=True)
        for name in WANTED:
            command = [python, "-m", "pip", "install", "-q", "--disable-pip-version-check", name]
            try:
                subprocess.run(command, capture_output=True, timeout=120)
            except (OSError, subprocess.TimeoutExpired):
                return sys.executable
        open(mark, "w").close()
    return python


def versions(python):
    ask = "import sys, importlib.metadata as m\nfor n in sys.argv[1:]:\n"
    ask += " try: print(n, m.version(n))\n except Exception: pass"
    out = subprocess.run([python, "-c", ask, *RIVALS], capture_output=True, text=True).stdout
    return dict(line.split() for line in out.splitlines())


def measure(out):
    python = venv()
    race = os.path.join(HERE, "race.py")
    p = subprocess.run([python, race, str(ROUNDS), *CORPUS], capture_output=True, text=True)
    if p.returncode:
        raise Missing(p.stderr.strip().splitlines()[-1])
    found = json.loads(p.stdout.splitlines()[-1])  # before it: what the rivals print
    have = versions(python)
    for name, why in found["why"].items():
        out.skip(name, why)
    how = f"CPython, interleaved, best of {ROUNDS} rounds"
    for name, (us, ratio) in found["parse"].items():
        extra = {name: have[name]} if name in have else {}
        text = f"{how}: {found['read'][name]} of 12 messages, seven fields read"
        prefix = "parse" if name == "usip" else "parse_" + name
        if name != "naive":
            out.add(prefix + "_x_naive", ratio, "x naive", text, **extra)
        if name in ("naive", "usip"):
            out.add(f"parse_us_{name}", us, "us", text)
    for name, (us, ratio) in found["build"].items():
        extra = {name: have[name]} if name in have else {}
        text = f"{how}: 200 OK with SDP"
        if name in RIVALS:
            text += ", the SDP by the naive builder"
        prefix = "build_200" if name == "usip" else "build_200_" + name
        if name != "naive":
            out.add(prefix + "_x_naive", ratio, "x naive", text, **extra)
        if name in ("naive", "usip"):
            out.add(f"build_200_us_{name}", us, "us", text)
