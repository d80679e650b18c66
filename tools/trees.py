"""Trees of .mpy files made from trees of sources; only what changed is compiled again."""

import fcntl
import hashlib
import json
import os
import re
import subprocess
from concurrent.futures import ThreadPoolExecutor

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
MPY = os.path.join(ROOT, "build", "mpy")


class RunError(Exception):
    """Cannot be run; the text says why."""


def module(name):
    """The module name that a file gets: no dot may be left in it."""
    return re.sub(r"\.py$", "", name).replace(".", "_")


class Trees:
    """Folders of .mpy files made from folders of sources.

    Beside each folder lies an index of what it was made from. When all indexes fit, nothing is
    done; else one process compiles under a lock and writes the index last.
    """

    def __init__(self, runtime, mpy_cross, march):
        self._runtime = runtime
        self._cross = mpy_cross
        self._march = "-march=" + march

    def compile(self, wanted, named):
        """wanted: rows of (sources, result, optimisation, with subfolders, all must compile).

        Of the other folders only the files in `named` must compile.
        """
        rows = [row for row in wanted if os.path.isdir(row[0])]
        if all(self._fits(*row, named) for row in rows):
            return
        os.makedirs(os.path.join(MPY, self._runtime), exist_ok=True)
        with open(os.path.join(MPY, self._runtime, ".lock"), "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            for row in rows:
                if not self._fits(*row, named):
                    self._update(*row, named)

    def _fits(self, folder, out, level, deep, strict, named):
        index = _index(out)
        if index.get("by") != [self._cross, level]:
            return False
        files = index["files"]
        for name, row in files.items():
            if row[2] and (strict or os.path.join(folder, name) in named):
                return False  # it failed to compile: say so again
        return _scan(folder, deep) == {name: row[:2] for name, row in files.items()}

    def _update(self, folder, out, level, deep, strict, named):
        index = _index(out)
        by = [self._cross, level]
        old = index["files"] if index.get("by") == by else {}
        now = _scan(folder, deep)
        keep = {n: old[n] for n in now if n in old and old[n][:2] == now[n] and not old[n][2]}
        todo = [n for n in now if n not in keep]
        with ThreadPoolExecutor(2) as pool:
            errors = list(pool.map(lambda n: self._one(folder, out, level, n), todo))
        files = dict(keep)
        for name, error in zip(todo, errors):
            files[name] = [*now[name], error]
        made = {_target(name) for name, row in files.items() if not row[2]}
        _remove_others(out, made, deep)
        os.makedirs(os.path.dirname(out), exist_ok=True)
        with open(_index_name(out) + ".new", "w") as stream:
            json.dump({"by": by, "files": files}, stream)
        os.replace(_index_name(out) + ".new", _index_name(out))
        for name, error in zip(todo, errors):
            if error and (strict or os.path.join(folder, name) in named):
                raise RunError(f"mpy-cross: {os.path.join(folder, name)}: {error}")

    def program(self, file, level, main):
        """The compiled `file`. With `main` it is __main__ when it is imported, for builds that
        cannot do that.
        """
        folder = os.path.join(MPY, self._runtime, "main")
        os.makedirs(folder, exist_ok=True)
        with open(file, "rb") as stream:
            text = stream.read()
        if main:
            # On the first line if that can be, so that tracebacks tell the right ones.
            simple = re.match(rb"#|\"|import |from |\r?\n", text)
            text = b'__name__="__main__"' + (b";" if simple else b"\n") + text
        name = hashlib.sha256(repr((self._cross, level, file)).encode() + text).hexdigest()[:16]
        target = os.path.join(folder, name + ".mpy")
        if not os.path.exists(target):
            new = f"{target}.{os.getpid()}"
            error = self._cross_compile("-", file, new, level, text)
            if error:
                raise RunError(f"mpy-cross: {file}: {error}")
            os.replace(new, target)
        return target

    def _one(self, folder, out, level, name):
        source = os.path.join(folder, name)
        target = os.path.join(out, _target(name))
        os.makedirs(os.path.dirname(target), exist_ok=True)
        error = self._cross_compile(source, source, target + ".new", level)
        if not error:
            os.replace(target + ".new", target)
        return error

    def _cross_compile(self, source, name, target, level, text=b""):
        shown = os.path.relpath(name, ROOT)  # in tracebacks
        if shown.startswith(".."):
            shown = name
        flags = [level, self._march, "-s", shown, "-o", target]
        pipe = subprocess.PIPE
        done = subprocess.run(
            [self._cross, *flags, source], input=text, stdout=pipe, stderr=subprocess.STDOUT
        )
        if done.returncode:
            lines = done.stdout.decode(errors="replace").strip().splitlines()
            return " / ".join(x.strip() for x in lines[-2:]) or "failed"
        return ""


def _index_name(out):
    return out.rstrip("/") + ".index"


def _index(out):
    try:
        with open(_index_name(out)) as stream:
            return json.load(stream)
    except (OSError, ValueError):
        return {"files": {}}


def _target(name):
    folder, base = os.path.split(name)
    return os.path.join(folder, module(base) + ".mpy")


def _scan(folder, deep, prefix=""):
    """{relative name: [mtime in ns, size]} of the Python files in a folder."""
    found = {}
    with os.scandir(os.path.join(folder, prefix)) as entries:
        for entry in entries:
            name = prefix + entry.name
            if entry.name.endswith(".py"):
                stat = entry.stat()
                found[name] = [stat.st_mtime_ns, stat.st_size]
            elif deep and entry.is_dir() and entry.name != "__pycache__":
                found.update(_scan(folder, deep, name + "/"))
    return found


def _remove_others(out, made, deep):
    """What was made from sources that are gone would still be imported."""
    for base, folders, files in os.walk(out):
        if not deep:
            folders.clear()  # a folder in it belongs to another index
        for name in files:
            path = os.path.join(base, name)
            if name.endswith((".mpy", ".mpy.new")) and os.path.relpath(path, out) not in made:
                os.unlink(path)
