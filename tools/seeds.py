#!/usr/bin/env python3
# usip: many bad days in a simulated network, each drawn from one number
# MIT licence; Copyright (c) 2026 the usip authors
"""Run tests/support/storm.py with many seeds, or with one again to see what happens in it.

seeds.py [--runs 100000] [--first 0] [--jobs 2]
seeds.py --seed N             what was done, and the ladder of all messages
seeds.py --phones --runs 2000 whole phones: sockets, pumps and tasks too
"""

import argparse
import gc
import multiprocessing
import os
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
for folder in ("", "tests/support", "tools"):
    sys.path.insert(0, str(ROOT / folder))

import storm  # noqa: E402  (found on the path made above)

BLOCK = 250


def one(seed, run=storm.run):
    """(what came of the run, None) or (None, why it failed)."""
    try:
        return run(seed), None
    except Exception as e:
        return None, "%s: %s" % (type(e).__name__, str(e).partition("\n")[0])


def block(seeds, run=storm.run):
    began = time.process_time()
    out = []
    gc.disable()  # all is garbage after a run, and nothing within one
    for seed in seeds:
        out.append((seed, *one(seed, run)))
        if seed % 10 == 9:
            gc.collect()
    gc.enable()
    return out, time.process_time() - began


def phones(seeds):
    import phonestorm

    return block(seeds, phonestorm.run)


def show(seed):
    import ladder

    day = storm.Storm(seed, True)
    code = 0
    try:
        print("seed %d: %s" % (seed, day.run()))
    except Exception as e:
        print("%s: %s" % (type(e).__name__, e))
        code = 1
    print("\nms after dialling, what, to which side:")
    for what in day.story:
        print("%8d %s" % (what[0], " ".join([str(x) for x in what[1:]])))
    packets = [
        ladder.Packet((t - day.began) / 1000, end(a), end(b), data)
        for t, a, b, data in day.world.log
        if data.strip(b"\r\n") and t >= day.began
    ]
    print("\n" + ladder.text(packets, {"192.0.2.5": "registrar"}))
    return code


def end(address):
    return "%s:%d" % (address[0].decode(), address[1])


def many(first, runs, jobs, what=block):
    began = time.monotonic()
    todo = [
        range(i, min(i + BLOCK, first + runs)) for i in range(first, first + runs, BLOCK)
    ]  # small: a progress line now and then
    counts = {}
    failed = []
    cpu = 0
    with multiprocessing.Pool(jobs) as pool:
        for n, (results, seconds) in enumerate(pool.imap(what, todo)):
            cpu += seconds
            for seed, what, why in results:
                if why:
                    failed.append(seed)
                    print("seed %d: %s" % (seed, why), flush=True)
                else:
                    counts[what] = counts.get(what, 0) + 1
            if n % 40 == 39:
                print("%d done" % ((n + 1) * BLOCK), file=sys.stderr, flush=True)
    print(
        "%d runs, %d failed; %s; %.0f s, %.1f ms of a processor a run"
        % (
            runs,
            len(failed),
            ", ".join(["%s: %d" % x for x in sorted(counts.items())]),
            time.monotonic() - began,
            1000 * cpu / max(runs, 1),
        )
    )
    if failed:
        print("tools/seeds.py --seed %d shows the first (but not of --phones)" % failed[0])
    return 1 if failed else 0


def main(args=None):
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--runs", type=int, default=100_000)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--seed", type=int, help="this one again, with all that happens in it")
    parser.add_argument("--phones", action="store_true", help="whole phones, twenty times as slow")
    options = parser.parse_args(args)
    if options.seed is not None:
        return show(options.seed)
    return many(options.first, options.runs, options.jobs, phones if options.phones else block)


if __name__ == "__main__":
    sys.exit(main())
