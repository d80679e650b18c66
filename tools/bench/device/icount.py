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


def chained(chain, n):
    """A chain of `n` more of the smallest objects, which go into the first holes of the heap."""
    for _ in range(n):
        chain = (chain,)
    return chain


def plug():
    """Fill the heap's holes until two thirds of it are in use: how long an allocation looks for
    room would depend on where they are."""
    gc.collect()
    least = (gc.mem_free() + gc.mem_alloc()) // 3
    chain = None
    while gc.mem_free() > least:
        chain = chained(chain, 50)
    return chain


def spent(f, n):
    gc.collect()  # there is none in between then: each of them fits in the heap many times
    rest = chained(None, 1200)  # what became free since plug(); the search for room begins there
    start = ticks_cpu()
    for _ in range(n):
        f()
    ticks = ticks_diff(ticks_cpu(), start)
    del rest
    return ticks


def cost(f):
    f()  # the first time fills caches
    gc.collect()
    used = gc.mem_alloc()
    f()
    # The interpreter looks at the UART now and then, which is 2 % of a frame of G.711. What keeps
    # no memory can be done often.
    n = 8 if gc.mem_alloc() == used else 1
    return ((spent(f, n) - spent(nothing, n)) * NS // n + 512) >> 10


def mean(f, data):
    return sum([cost(lambda d=d: f(d)) for d in data]) // len(data)


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

chain = None  # what follows keeps no memory: what is free, and where, is no matter

import speech  # noqa: E402  (not before: see there)

pieces = speech.pieces()
for name in sorted(pieces):
    print(name, cost(pieces[name]))

del pieces  # each piece is as it is without the others
import frame  # noqa: E402

pieces = frame.pieces()
for name in sorted(pieces):
    whole, less = pieces[name]
    print(name, cost(whole) - (cost(less) if less else 0))

chain = pieces = whole = less = None  # these keep no memory: what is free, and where, is no matter
gc.collect()
import wideband  # noqa: E402

pieces = wideband.pieces()
for name in sorted(pieces):
    print(name, cost(pieces[name]))
