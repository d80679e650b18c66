#!/usr/bin/env python3
"""What a message and a frame of sound may cost on a board: tests/host/instructions.json.

    python3 tools/bench/budget.py [--why TEXT]    (make budget WHY="TEXT")

measures all figures and rewrites the file. A figure that grew by more than 1 % wants a TEXT that
says why; it is kept beside the figure, which the test in CI allows from then on."""

import json
import os
import sys

import icount
from table import ROOT, Missing

import runner

FILE = os.path.join(ROOT, "tests", "host", "instructions.json")
SHOWN = os.path.relpath(FILE, ROOT)
GROWN = 1.01
SHRUNK = 0.95
# Another compiler makes another interpreter: the naive parser's cost tells by how much it differs,
# and these are the bounds for what is left of the difference.
OTHER_GROWN = 1.1
YARDSTICK = "naive_parse"


def load():
    with open(FILE) as f:
        return json.load(f)


def judge(board, toolchain, found, kept):
    """What is wrong with the figures of "m3" or "rv32", as sentences that say what to do."""
    figures = {n: f["value"] for n, f in kept["figures"].items() if n.startswith(board + "_")}
    grown, shrunk, scale = GROWN, SHRUNK, 1.0
    if toolchain != kept["toolchains"].get(board):
        grown, shrunk = OTHER_GROWN, 0
        name = f"{board}_{YARDSTICK}_instructions"
        scale = found.get(name, 0) / figures[name] if figures.get(name) else 1.0
    wrong = []
    for name in sorted(set(found) ^ set(figures)):
        where = "measured" if name in found else f"in {SHOWN}"
        wrong.append(f'{name} is {where} alone: make budget WHY="..."')
    for name in sorted(set(found) & set(figures)):
        value, allowed = found[name], figures[name] * scale
        text = f"{name}: {value:,}, {SHOWN} says {allowed:,.0f} ({value / allowed - 1:+.1%})"
        if value > allowed * grown:
            wrong.append(f'{text}: make it cheaper, or say why: make budget WHY="..."')
        elif value < allowed * shrunk:
            wrong.append(f"{text}: well done; so that it stays so: make budget")
    return wrong


def renewed(measured, kept, why):
    """The file's new contents; Missing when a figure grew and nobody said why. `measured`:
    {board: (toolchain, figures)}."""
    figures = {}
    for _, found in measured.values():
        for name, value in found.items():
            old = kept["figures"].get(name, {})
            before = old.get("value")
            text = old.get("why", "")
            if before and value < before * SHRUNK:
                text = f"fell from {before:,}"
            elif not before or value > before * GROWN:
                if not why:
                    grew = f"{before:,} -> {value:,}" if before else "new"
                    raise Missing(f'{name} ({grew}): say why: make budget WHY="..."')
                text = why
            figures[name] = {"value": value, "why": text}
    return {"toolchains": {b: t for b, (t, _) in measured.items()}, "figures": figures}


def main(args):
    why = ""
    if len(args) == 2 and args[0] == "--why":
        why = args[1].strip()
    elif args:
        print(__doc__, file=sys.stderr)
        return 2
    try:
        kept = load() if os.path.exists(FILE) else {"figures": {}}
        new = renewed({b: icount.count(b) for b in icount.BOARDS}, kept, why)
    except (Missing, runner.RunError) as e:
        print(f"budget: {e}", file=sys.stderr)
        return 1
    for name, f in new["figures"].items():
        before = kept["figures"].get(name, {}).get("value")
        change = f"{f['value'] / before - 1:+.2%}" if before else "new"
        print(f"{name:36} {f['value']:>10,} {change:>8}  {f['why']}")
    with open(FILE + ".new", "w") as f:
        json.dump(new, f, indent=1)
        f.write("\n")
    os.replace(FILE + ".new", FILE)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
