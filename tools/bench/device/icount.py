# Instructions of one of each, on a board whose clock counts them (see tools/runner.py).
# USAGE: icount.py MESSAGE...   prints lines "name instructions"

import gc
import sys
from platform import platform, python_compiler
from time import ticks_cpu, ticks_diff

import naive
import work

from usip import rand

# Every start makes the same tags and session numbers: those have more digits or fewer.
rand.urandom = lambda n: b"\x5a" * n

NS = 40 if "mps2" in sys.implementation._machine else 100  # of the counter that ticks_cpu() reads


def nothing():
    pass


def once(f):
    gc.collect()  # there is none in between then: each of them fits in the heap many times
    start = ticks_cpu()
    f()
    return ticks_diff(ticks_cpu(), start)


def plug():
    """Fill the holes in the heap with small objects until two thirds of it are in use: an allocation
    costs what the way to the first free place costs, and so each has the same way to go."""
    gc.collect()
    least = (gc.mem_free() + gc.mem_alloc()) // 3
    chain = None
    while gc.mem_free() > least:
        for _ in range(50):
            chain = (chain,)
    return chain


def cost(f):
    once(f)  # the first time fills caches
    return ((once(f) - once(nothing)) * NS + 512) >> 10


def mean(f, data):
    return sum([cost(lambda: f(d)) for d in data]) // len(data)


print("toolchain", platform(), python_compiler())
data = work.load(sys.argv[1:])
invite = naive.parse(data[0])[1]
pieces = work.pieces(data)
chain = plug()
for name in sorted(pieces):
    if name[:5] != "parse":
        print(name, cost(pieces[name]))
print("parse", mean(work.fields, data))
print("parse_only", mean(work.parse, data))
print("naive_parse", mean(naive.fields, data))
print("naive_build_200", cost(lambda: naive.build_200(invite, "192.0.2.1", 16384, "8f3a6c1e07")))
