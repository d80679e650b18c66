# usip: a few bytes that survive a restart, in a file
# MIT licence; Copyright (c) 2026 the usip authors

import os


class FileStore:
    """`path` holds what was saved last, whole or not at all: a new file takes the old one's
    place."""

    def __init__(self, path):
        self.path = path

    def load(self):
        """What was saved, None when nothing was. OSError when it cannot be read."""
        try:
            with open(self.path, "rb") as f:
                return f.read()
        except OSError as e:
            if e.args[0] == 2:  # ENOENT
                return None
            raise

    def save(self, data):
        """Keep `data` (bytes). OSError when that failed; what was before is still there then."""
        new = self.path + ".new"
        with open(new, "wb") as f:
            f.write(data)
        os.rename(new, self.path)
