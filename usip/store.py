# usip: a few bytes that survive a restart, in a file
# MIT licence; Copyright (c) 2026 the usip authors

import os


class FileStore:
    """`path` holds what was saved last, whole or not at all: a new file, path.new, takes the old
    one's place."""

    def __init__(self, path):
        self.path = path

    def load(self):
        """What was saved, None when nothing was. OSError when it cannot be read."""
        while True:
            try:
                with open(self.path, "rb") as f:
                    return f.read()
            except OSError as e:
                _missing(e)
            # On FAT the old file goes before the new one has its name: the power may fail there.
            try:
                os.rename(self.path + ".new", self.path)
            except OSError as e:
                return _missing(e)

    def save(self, data):
        """Keep `data` (bytes). OSError when that failed; what was before is still there then."""
        new = self.path + ".new"
        with open(new, "wb") as f:
            f.write(data)
            f.flush()
            if hasattr(os, "fsync"):
                os.fsync(f.fileno())
        if not hasattr(os, "fsync") and hasattr(os, "sync"):  # MicroPython
            os.sync()
        if hasattr(os, "replace"):
            os.replace(new, self.path)
            return
        try:
            os.rename(new, self.path)
        except OSError:  # on Windows there may be none of that name
            os.remove(self.path)
            os.rename(new, self.path)


def _missing(e):
    if e.args[0] != 2:  # ENOENT
        raise e
