#!/usr/bin/env python3
"""The table of interpreters and platforms in README.md, from the tools' own lists of them.

tools/runtimes_table.py            write it
tools/runtimes_table.py --check    exit 1 when README.md says something else
"""

import sys
from pathlib import Path

import runner
from runtimes import build, recipes, wasm

README = Path(runner.ROOT) / "README.md"
BEGIN, END = "<!-- runtimes: made by tools/runtimes_table.py -->\n", "<!-- runtimes end -->\n"
# What a runtime may lack (tests/support/features.py), and what then runs there.
ALL = frozenset(("asyncio", "files"))
CORE = frozenset()
NEWEST, *OLDER = build.PINS
KB = 1024


class Row:
    """Runtimes as tools/run calls them, the release, KB of heap, and what they have of ALL."""

    def __init__(self, names, version, platform, heap, features, tests):
        self.names = names
        self.version = version
        self.platform = platform.replace("HEAP", f"{heap} KB heap")
        self.heap = heap
        self.features = features
        self.tests = tests


def rows():
    every = "all shared tests"
    core = "the shared tests of the core"
    found = [
        Row(
            ["cpython", *(f"cpython{v}" for v in runner.VERSIONS)],
            f"CPython {runner.VERSIONS[0]} - {runner.VERSIONS[-1]}",
            "Linux",
            None,
            ALL,
            "all tests, interop",
        )
    ]
    for version in build.PINS:
        ending = "" if version == NEWEST else "-" + version.rpartition(".")[0]
        interop = ", interop from .mpy" if version == NEWEST else ""
        for name in runner.UNIX:
            on = f"Linux, {name[4:]} bits, HEAP, usip frozen in"
            tests = every + interop
            names = [name + ending]
            found.append(Row(names, f"MicroPython {version}", on, runner.HEAPS[name], ALL, tests))
    for name in wasm.TARGETS:
        version = wasm.RELEASES[wasm.release(name)].partition("-")[0]
        on = "WebAssembly in Node: no event loop, sockets, viper"
        found.append(Row([name], f"MicroPython {version}", on, None, CORE, core))
    machines = "Cortex-M3 and RISC-V RV32 without an operating system, in QEMU"
    boards = [x for x in build.QEMU_TARGETS if not x.endswith("-stock")]
    stock = [x for x in build.QEMU_TARGETS if x.endswith("-stock")]
    newest = f"MicroPython {NEWEST}"
    calls = every + "; calls with SIPp and CPython"
    found.append(Row(boards, newest, f"{machines}, HEAP", 140, ALL, calls))
    lacking = "MicroPython's own: no time, asyncio, md5, files"
    found.append(Row(stock, newest, f"the same machines, {lacking}", 140, CORE, core))
    heap = recipes.FLASH_HEAP // KB
    disk = "usip copied to its disk by mpremote: registers, is called"
    found.append(Row([*build.QEMU_FLASH], newest, "the same, HEAP", heap, ALL, disk))
    return found


def short(names):
    """cpython ... for many, the names for a few."""
    shown = names if len(names) < 4 else [names[0], names[1] + " ... " + names[-1]]
    return ", ".join(f"`{x}`" for x in shown).replace(" ... ", "` ... `")


def table():
    lines = ["| interpreter | on | what runs there | `tools/run` |", "|---|---|---|---|"]
    for row in rows():
        cells = (row.version, row.platform, row.tests, short(row.names))
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def main(args):
    text = README.read_text()
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        print(f"README.md has no line {BEGIN.strip()} or {END.strip()}", file=sys.stderr)
        return 1
    new = before + BEGIN + table() + END + after
    if args == ["--check"]:
        if new != text:
            print("README.md's table of runtimes is old: tools/runtimes_table.py", file=sys.stderr)
        return int(new != text)
    README.write_text(new)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
