"""What this runtime has of what a shared test may want: one word a line. Not every MicroPython has
an event loop of its own, or files. Then its release, and the KB of its heap.
"""

import gc
import sys


def main(args=()):
    try:
        import asyncio

        if hasattr(asyncio, "run"):  # in a browser the loop is the browser's
            print("asyncio")
    except ImportError:
        pass
    try:
        open  # noqa: B018
        from os import urandom  # noqa: F401  (for a file's name)

        print("files")
    except (NameError, ImportError):
        pass
    release = ".".join([str(x) for x in sys.implementation.version[:3]])
    heap = (gc.mem_alloc() + gc.mem_free()) // 1024 if hasattr(gc, "mem_free") else 0
    print(release, heap)
    return 0


if __name__ == "__main__":
    main()
