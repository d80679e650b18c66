# usip tests: what survives a restart, in a file
# MIT licence; Copyright (c) 2026 the usip authors

import os

from skip import Skip
from usip import store as module
from usip.rand import token
from usip.store import FileStore

PATH = str(b"test_store-%s.tmp" % token(8), "utf-8")  # other runtimes are at it too


class Power(Exception):
    """It fails."""


class Disk:
    """os, with the names of `has` beside those that it always has. It keeps what is done, and the
    power fails at the `n`th step that changes a name."""

    def __init__(self, has=(), windows=False, fat=False, n=0):
        self.done = []
        self.windows = windows
        self.fat = fat
        self.n = n
        if "fsync" in has:
            self.fsync = lambda fd: self.done.append("sync")
        if "sync" in has:
            self.sync = lambda: self.done.append("sync")
        if "replace" in has:
            self.replace = self._replace

    def _step(self, what):
        self.n -= 1
        if not self.n:
            raise Power
        self.done.append(what)

    def _replace(self, old, new):
        self._step("rename")
        os.rename(old, new)

    def rename(self, old, new):
        if there(new) and there(old):
            if self.windows:
                raise OSError(17)
            if self.fat:
                self.remove(new)
        self._replace(old, new)

    def remove(self, path):
        self._step("remove")
        os.remove(path)


def there(path):
    return path in os.listdir(".")


def _writes():
    try:
        with open(PATH, "wb") as f:
            f.write(b"1")
        os.rename(PATH, PATH + ".new")
        whole = there(PATH + ".new") and not there(PATH)
        os.remove(PATH + ".new")
        if not whole or there(PATH + ".new"):
            return False
    except (NameError, AttributeError, OSError):
        return False
    try:
        open(PATH)
    except OSError as e:
        return e.args[0] == 2  # WebAssembly has numbers of its own


WRITES = _writes()


def clean():
    if not WRITES:
        raise Skip("no file system as others are")
    for name in (PATH, PATH + ".new"):
        if there(name):
            os.remove(name)


def on(disk, f, *args):
    """f() with that for os; None when the power failed."""
    module.os = disk
    try:
        return f(*args)
    except Power:
        return None
    finally:
        module.os = os


def test_saved_and_loaded():
    clean()
    s = FileStore(PATH)
    try:
        assert s.load() is None
        for data in (b"1", b"", b"22"):
            s.save(data)
            assert FileStore(PATH).load() == data
        assert not there(PATH + ".new")
    finally:
        clean()


def test_it_is_written_before_it_has_its_name():
    s = FileStore(PATH)
    for has, names in (
        (("fsync", "sync", "replace"), ["rename"]),
        (("sync",), ["rename"]),
        ((), ["rename"]),
    ):
        clean()
        disk = Disk(has)
        try:
            on(disk, s.save, b"1")
            on(disk, s.save, b"2")
            once = (["sync"] if has else []) + names
            assert disk.done == once * 2 and s.load() == b"2"
        finally:
            clean()


def test_the_power_fails():
    # With what MicroPython does on FAT, and with what is done on Windows.
    for how in ({"fat": True}, {"windows": True}, {}):
        for n in (1, 2):
            clean()
            s = FileStore(PATH)
            try:
                s.save(b"1")
                on(Disk(n=n, **how), s.save, b"2")
                # The first step undone leaves the old one, else there is the new one.
                kept = b"1" if n == 1 else b"2"
                assert FileStore(PATH).load() == kept, (how, n)
                # A save that is cut short as well has something to fall back to.
                on(Disk(n=1), s.save, b"3")
                assert FileStore(PATH).load() == kept, (how, n)
            finally:
                clean()


def test_windows():
    clean()
    s = FileStore(PATH)
    try:
        for data in (b"1", b"2"):
            on(Disk(windows=True), s.save, data)
            assert s.load() == data and not there(PATH + ".new")
    finally:
        clean()


def test_what_cannot_be_read():
    class Bad(Disk):
        def rename(self, old, new):
            raise OSError(30)  # EROFS

    clean()
    for s, disk in ((FileStore("."), Disk()), (FileStore(PATH), Bad())):
        try:
            on(disk, s.load)
        except OSError:
            continue
        raise AssertionError(s.path)
