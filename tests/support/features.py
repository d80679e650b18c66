"""What this runtime has of what a shared test may want: one word a line. Not every MicroPython has
an event loop of its own, or files.
"""


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
    print("done")
    return 0


if __name__ == "__main__":
    main()
