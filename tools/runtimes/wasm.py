"""MicroPython's WebAssembly builds under Node: the oldest release that will do, and the newest.

They come from npm, pinned by node/package-lock.json with their hashes, into the cache of the other
runtimes; instant when they are there.
"""

import fcntl
import hashlib
import json
import re
import shutil
import subprocess
from pathlib import Path

from .debian import CACHE, Missing, say

HERE = Path(__file__).resolve().parent / "node"
PINNED = ("package.json", "package-lock.json")
LIMIT_S = 300  # for npm


def _releases():
    """{"1.23": "1.23.0", ...}, newest first."""
    lock = json.loads((HERE / "package-lock.json").read_text())
    wanted = json.loads((HERE / "package.json").read_text())["dependencies"]
    packages = lock["packages"]
    names = sorted(wanted, key=lambda x: [int(n) for n in re.findall(r"\d+", x)], reverse=True)
    return {x.rpartition("-")[2]: packages[f"node_modules/{x}"]["version"] for x in names}


RELEASES = _releases()
NEWEST = next(iter(RELEASES))
# wasm is the newest; the others have their release in their name.
TARGETS = tuple("wasm" if x == NEWEST else f"wasm-{x}" for x in RELEASES)


def release(target):
    return target.partition("-")[2] or NEWEST


def program(name):
    return shutil.which(name) or _missing(name)


def _missing(name):
    raise Missing(f"{name} is not on this machine (as root: tools/setup node)")


def folder():
    """Where they are installed: another place for another lock file."""
    text = b"".join((HERE / x).read_bytes() for x in PINNED)
    return CACHE / "wasm" / hashlib.sha256(text).hexdigest()[:10]


def script_of(target):
    return folder() / "node_modules" / f"micropython-{release(target)}" / "micropython.mjs"


def existing(target):
    script = script_of(target)
    return script if script.exists() and shutil.which("node") else None


def ensure(target):
    """(node, the interpreter's script), installed if need be; Missing with a reason for people."""
    node = program("node")
    there = folder()
    script = script_of(target)
    if not script.exists():
        there.parent.mkdir(parents=True, exist_ok=True)
        with open(there.parent / ".lock", "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not script.exists():
                _install(there)
    return node, str(script)


def _install(there):
    npm = program("npm")
    say("npm ci: MicroPython's WebAssembly builds")
    new = there.with_name(there.name + ".new")
    shutil.rmtree(new, ignore_errors=True)
    new.mkdir()
    for name in PINNED:
        shutil.copy(HERE / name, new)
    argv = [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
    argv += ["--fetch-retries=1", "--fetch-timeout=60000"]
    try:
        done = subprocess.run(
            argv,
            cwd=new,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=LIMIT_S,
        )
    except subprocess.TimeoutExpired:
        raise Missing(f"npm ci did not end within {LIMIT_S} s") from None
    if done.returncode:
        raise Missing(f"npm ci failed: {done.stdout.strip()[-500:]}")
    shutil.rmtree(there, ignore_errors=True)
    new.rename(there)
