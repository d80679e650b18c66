#!/usr/bin/env python3
"""Compile usip for a board into build/stage/ARCH/, ready to be copied to its file system.

    tools/stage.py [--port NAME]... [--out DIR] ARCH...      prints "ARCH<TAB>BYTES<TAB>DIR" lines

ARCH is what mpy-cross -march= takes: xtensawin (ESP32, S2, S3), rv32imc (ESP32-C3, C6), armv6m
(RP2040), armv7em, armv7emsp (STM32F4, RP2350), armv7m (qemu-arm), ... It matters to two small
modules in viper; their twins in bytecode are there as well. A port beside ports/micropython, whose
sockets all boards share, is added by --port. Then

    mpremote fs cp -r build/stage/xtensawin/. :lib/

A board with 256 KB of free heap runs a door so, with `--port esp32` or `--port rp2`; a smaller one
(any ESP32 without PSRAM, a Pico W) wants usip frozen into its firmware: make firmware.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from runtimes import build
from trees import RunError

ROOT = Path(build.ROOT)
STAGE = ROOT / "build" / "stage"
ARCHES = ("xtensawin", "rv32imc", "armv6m", "armv7em", "armv7emsp")
LEVEL = "-O3"  # no asserts and no line numbers, as in a firmware


def packages(ports=()):
    """The folders that a board gets."""
    found = [ROOT / "usip"]
    for port in dict.fromkeys(("micropython", *ports)):
        inside = sorted((ROOT / "ports" / port).glob("*/__init__.py"))
        if not inside:
            raise RunError(f"no port {port!r}: {' '.join(sorted(all_ports()))}")
        found += [x.parent for x in inside]
    return found


def all_ports():
    """The ports that run on MicroPython."""
    return [x.name for x in (ROOT / "ports").iterdir() if x.is_dir() and x.name != "cpython"]


def compile_all(arch, ports, into, cross=None):
    """Compile usip and the ports into the folder `into`; the bytes of .mpy."""
    cross = cross or build.ensure("mpy-cross")[0]
    jobs = []
    for package in packages(ports):
        for source in sorted(package.rglob("*.py")):
            name = source.relative_to(package.parent)
            target = (into / name).with_suffix(".mpy")
            target.parent.mkdir(parents=True, exist_ok=True)
            jobs.append((source, str(name), target))

    def one(job):
        source, name, target = job
        argv = [cross, LEVEL, f"-march={arch}", "-s", name, "-o", target, source]
        done = subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        if done.stdout.startswith("usage"):
            raise RunError(f"mpy-cross has no -march={arch}")
        if done.returncode:
            said = " / ".join(done.stdout.strip().splitlines()[-2:])
            raise RunError(f"mpy-cross -march={arch}: {name}: {said}")
        return target.stat().st_size

    with ThreadPoolExecutor(2) as pool:
        return sum(pool.map(one, jobs))


def stage(arch, ports=(), out=STAGE):
    """Make the folder OUT/ARCH; (its path, bytes). It is whole at any time."""
    out = Path(out)
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out, prefix=".new-") as new:
        # the user's umask, not the temporary folder's
        made = Path(new) / arch
        made.mkdir()
        total = compile_all(arch, ports, made)
        shutil.rmtree(out / arch, ignore_errors=True)
        os.rename(made, out / arch)
    return out / arch, total


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("arches", metavar="ARCH", nargs="+")
    parser.add_argument("--port", action="append", default=[], help="a port that the board needs")
    parser.add_argument("--out", default=STAGE, help="another folder than build/stage")
    args = parser.parse_args()
    try:
        for arch in args.arches:
            folder, total = stage(arch, args.port, args.out)
            print(f"{arch}\t{total}\t{folder}")
    except (RunError, build.Missing) as error:
        print(f"tools/stage.py: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
