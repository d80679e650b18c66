# usip port for QEMU: the emulating machine's files, through semihosting
# MIT licence; Copyright (c) 2026 the usip authors

import struct

import vfs
from uctypes import addressof
from usip_hal import semihost

_OPEN = 1
_CLOSE = 2
_WRITE = 5
_READ = 6
_SEEK = 10
_LENGTH = 12
_REMOVE = 14
_ERRNO = 19

_args = bytearray(12)


def _call(op, a, b=0, c=0):
    struct.pack_into("<III", _args, 0, a, b, c)
    return semihost(op, _args)


def _checked(op, a, b=0, c=0):
    n = _call(op, a, b, c)
    if n < 0:
        raise OSError(_call(_ERRNO, 0))
    return n


class File:
    """A file that is open; the methods of a stream."""

    def __init__(self, path, mode):
        text = path.encode() + b"\0"
        how = "rwa".index(mode[0]) * 4 + ("+" in mode) * 2 + ("b" in mode)
        self._text = "b" not in mode
        self._handle = _checked(_OPEN, addressof(text), how, len(text) - 1)
        self._at = self._length() if mode[0] == "a" else 0

    def _length(self):
        return _checked(_LENGTH, self._handle)

    def readinto(self, buf):
        n = len(buf) - _checked(_READ, self._handle, addressof(buf), len(buf)) if buf else 0
        self._at += n
        return n

    def read(self, n=-1):
        most = max(self._length() - self._at, 0)
        buf = bytearray(most if n is None or n < 0 else min(n, most))
        data = bytes(memoryview(buf)[: self.readinto(buf)])
        return data.decode() if self._text else data

    def write(self, data):
        raw = data.encode() if isinstance(data, str) else data
        n = len(raw)
        if n:
            if _checked(_WRITE, self._handle, addressof(raw), n):
                raise OSError(28)
            self._at += n
        return len(data)

    def seek(self, at, whence=0):
        self._at = at + (0, self._at, self._length())[whence]
        _checked(_SEEK, self._handle, self._at)
        return self._at

    def tell(self):
        return self._at

    def flush(self):
        pass

    def close(self):
        if self._handle:
            _call(_CLOSE, self._handle)
            self._handle = 0

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class Files:
    """The file system that is mounted: opening, asking for and removing files, no more."""

    def mount(self, readonly, mkfs):
        pass

    def umount(self):
        pass

    def open(self, path, mode):
        return File(path, mode)

    def stat(self, path):
        f = File(path, "rb")
        n = f._length()
        f.close()
        return (0x8000, 0, 0, 0, 0, 0, n, 0, 0, 0)

    def remove(self, path):
        text = path.encode() + b"\0"
        _checked(_REMOVE, addressof(text), len(text) - 1)

    def chdir(self, path):
        pass

    def getcwd(self):
        return "/"


def mount():
    vfs.mount(Files(), "/")
