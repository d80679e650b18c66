"""Flash and RAM of the code: .mpy bytes per module and part, heap that importing keeps."""

import os
import subprocess
import tempfile
from pathlib import Path

from table import HERE, ROOT, micropython

import runner
import stage
from runtimes import build

# The twin in viper differs by architecture and is loaded instead of the plain one: sizes are those
# of bytecode alone, which is the same on every board.
TWIN = "_viper.py"
PHONE = ("phone.py", "phonecall.py", "pump.py", "reports.py", "driver.py")
# What the smallest phone that registers, rings and talks has loaded; the rest is for others.
NO_RINGER = ("info.py", "pager.py", "trace.py", "media/wav.py", "_md5_plain.py", "md5.py")


def part(name):
    if "/" in name:
        return name.split("/")[0]
    return "phone" if name in PHONE else "core"


def compiled(cross):
    """{module: bytes of .mpy}, without machine code."""
    sizes = {}
    usip = os.path.join(ROOT, "usip")
    with tempfile.TemporaryDirectory() as folder:
        out = os.path.join(folder, "x.mpy")
        for base, _, files in os.walk(usip):
            for file in sorted(files):
                if not file.endswith(".py") or file.endswith(TWIN):
                    continue
                path = os.path.join(base, file)
                name = os.path.relpath(path, usip)
                # the name goes into the file: the same everywhere
                subprocess.run([cross, "-O3", "-s", "usip/" + name, "-o", out, path], check=True)
                sizes[name] = os.path.getsize(out)
    return sizes


def kept(frozen):
    """[(what, heap kept)] of importing usip, and the interpreter's version."""
    file = os.path.join(HERE, "device", "imports.py")
    argv, env = runner.command("unix32", file, heap="1M", frozen=frozen)
    out = subprocess.run(argv, env=env, capture_output=True, text=True, check=True).stdout
    return [line.rsplit(" ", 1) for line in out.splitlines()], micropython(argv)


def measure(out):
    sizes = compiled(str(build.ensure("mpy-cross")[0]))
    how = "mpy-cross -O3, bytecode only (plain twins of the viper modules)"
    for name, size in sorted(sizes.items(), key=lambda x: -x[1]):
        out.add("mpy_bytes " + name, size, "bytes", how)
    for p in ("core", "phone", "media", "server"):
        total = sum(s for n, s in sizes.items() if part(n) == p)
        out.add("mpy_bytes_" + p, total, "bytes", how)
    ringer = sum(s for n, s in sizes.items() if n not in NO_RINGER and part(n) != "server")
    out.add("mpy_bytes_ringer", ringer, "bytes", how + "; without " + " ".join(NO_RINGER))
    out.add("mpy_bytes_total", sum(sizes.values()), "bytes", how)
    how = "what make stage writes: usip with both twins of the viper modules, usip_micropython"
    for arch in stage.ARCHES:
        with tempfile.TemporaryDirectory() as folder:
            total = stage.compile_all(arch, (), Path(folder))
        out.add("mpy_bytes " + arch, total, "bytes", how)
    for frozen in (False, True):
        rows, version = kept(frozen)
        how = "unix32, " + ("frozen" if frozen else "from .mpy, machine code not on the heap")
        for what, value in rows:
            name = f"heap_import_{what}_{'frozen' if frozen else 'mpy'}"
            out.add(name, int(value), "bytes", how, micropython=version)
