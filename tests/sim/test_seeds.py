# usip: a thousand bad days: register, call, talk, hang up over a network that loses, repeats and
# reorders, while devices restart, lose their Wi-Fi and change their address
# MIT licence; Copyright (c) 2026 the usip authors

import gc

from storm import run

HEAPS = 2  # three devices
RUNS = 100


def share(first):
    counts = {}
    for seed in range(first, first + RUNS):
        gc.collect()
        what = run(seed)
        counts[what] = counts.get(what, 0) + 1
    print("seeds %d-%d: %s" % (first, first + RUNS - 1, counts))
    assert counts.get("talked", 0) > RUNS // 4, counts


def test_seeds_000():
    share(0)


def test_seeds_100():
    share(100)


def test_seeds_200():
    share(200)


def test_seeds_300():
    share(300)


def test_seeds_400():
    share(400)


def test_seeds_500():
    share(500)


def test_seeds_600():
    share(600)


def test_seeds_700():
    share(700)


def test_seeds_800():
    share(800)


def test_seeds_900():
    share(900)
