"""Run test modules on any runtime: tools/run unix32 tests/minirun.py tests/unit/test_x.py ...

Every function test_*() is called; one that raises has failed. `-k TEXT` takes only those with TEXT
in their name. Exit status 1 when something failed. Small, because it shares a 64 KB heap with what
it tests.
"""

import gc
import sys


def show(error):
    if hasattr(sys, "print_exception"):
        sys.print_exception(error)
    else:
        import traceback

        traceback.print_exception(type(error), error, error.__traceback__, file=sys.stdout)


class Limits:
    """A test may set limits for itself, and for nobody after it. Made before anything else, so that
    it lies at the bottom of the heap."""

    def __init__(self):
        try:
            from usip import limits
        except ImportError:
            limits = None
        self.limits = limits
        self.kept = [getattr(limits, x) for x in dir(limits)] if limits else ()

    def restore(self):
        names = dir(self.limits) if self.kept else ()
        for i in range(len(self.kept)):
            if names[i].isupper():
                setattr(self.limits, names[i], self.kept[i])


def run_one(name, function, counts):
    gc.collect()
    try:
        function()
        counts[0] += 1
        print(name, "ok")
    except Exception as error:
        if type(error).__name__ in ("Skip", "SkipTest"):
            counts[2] += 1
            print(name, "skipped:", error)
        else:
            counts[1] += 1
            print(name, "FAILED")
            show(error)
    LIMITS.restore()


def run_module(name, only, counts):
    gc.collect()
    try:
        module = __import__(name)
    except Exception as error:
        counts[1] += 1
        print(name, "cannot be imported")
        show(error)
        return
    found = sum(counts)
    for key in sorted(dir(module)):
        if key.startswith("test_") and only in key and callable(getattr(module, key)):
            run_one(name + "." + key, getattr(module, key), counts)
    if sum(counts) == found and not only:
        counts[1] += 1
        print(name, "FAILED: there is no test in it")
    # The next module finds the heap as this one did.
    del sys.modules[name]


def main(args):
    if hasattr(gc, "threshold") and hasattr(gc, "mem_free"):
        gc.threshold(4096)  # as a phone does: what lives long lies at the bottom of the heap
    only = ""
    if len(args) > 1 and args[0] == "-k":
        only = args[1]
        args = args[2:]
    counts = [0, 0, 0]
    for arg in args:
        name = arg.split("/")[-1]
        if name.endswith(".py"):
            name = name[:-3]
        run_module(name, only, counts)
    gc.collect()
    free = "%d bytes free" % gc.mem_free() if hasattr(gc, "mem_free") else "CPython"
    print("%d ok, %d failed, %d skipped;" % tuple(counts), free)
    return 1 if counts[1] or not args else 0


LIMITS = Limits()

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
