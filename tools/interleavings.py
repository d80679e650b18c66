#!/usr/bin/env python3
# usip: every order in which the messages of a call can arrive, get lost or come twice
# MIT licence; Copyright (c) 2026 the usip authors
"""Go through all that tests/support/crossings.py finds to choose in each of its scenarios.

interleavings.py [--first 8] [--faults 2] [--proxy] [NAME]...

`--first`: so many datagrams may arrive in any order, be lost or doubled; `--faults`: how many times
in all something is lost, doubled or so late that a timer is first. With --proxy a proxy that
records its route stands between the two. NAME is a part of a scenario's name.
"""

import argparse
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "support")]

import crossings as model  # noqa: E402  (found on the path made above)


def main(args=None):
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--first", type=int, default=8)
    parser.add_argument("--faults", type=int, default=2)
    parser.add_argument("--proxy", action="store_true")
    parser.add_argument("name", nargs="*")
    options = parser.parse_args(args)
    total = [0, 0, 0]
    bad = 0
    print("%-24s %9s %9s %14s" % ("", "states", "steps", "interleavings"))
    for name in model.SCENARIOS:
        if options.name and not any(x in name for x in options.name):
            continue
        began = time.process_time()
        try:
            s = model.Search(name, options.proxy, options.first, options.faults)
        except model.Wrong as e:
            print("%s: %s" % (name, e))
            model.replay(name, options.proxy, options.first, options.faults, e.path)
            bad += 1
            continue
        seconds = time.process_time() - began
        print("%-24s %9d %9d %14d  %.0f s" % (name, s.states, s.steps, s.ways, seconds), flush=True)
        for i, n in enumerate((s.states, s.steps, s.ways)):
            total[i] += n
    print("%-24s %9d %9d %14d  %d wrong" % ("all", *total, bad))
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
