"""How a Python file is run on a runtime, with usip and the runtime's ports on its path.

    tools/run [--heap 64k] [--frozen | --py] [--path DIR]... RUNTIME FILE ARGS...

RUNTIME  cpython (this python3), cpython3.9 ... cpython3.13, unix64, unix32; qemu-arm, qemu-rv32
         (boards without an operating system, emulated: Cortex-M3 and RISC-V, 140 KB heap),
         qemu-arm-stock, qemu-rv32-stock (the same with usip's core alone, no clock, no network)
--heap   size of the MicroPython heap (64k, 1M); CPython and the boards ignore it
--frozen usip and its ports are in MicroPython, as in a firmware, and their code takes no heap
--py     MicroPython reads the sources instead of compiled .mpy files
--path   one more folder of modules
--virtual      on a QEMU board time passes at once while the processor sleeps
--timeout 300  so long may a program run on a QEMU board

MicroPython is built when it is missing (tools/runtimes/build.py). usip, the ports, FILE and the
modules beside it are compiled into build/mpy/RUNTIME/, so that a program needs the heap it would
need on a board; only what changed is compiled again. The process becomes the interpreter: pid,
signals and exit status are the program's own.

Programs that start others use command() and pass what it returns to subprocess.
"""

import fcntl
import glob
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

from runtimes import build

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
MPY = os.path.join(ROOT, "build", "mpy")
UNIX = {"unix64": "x64", "unix32": "x86"}  # runtime -> what mpy-cross calls its machine code
QEMU = {"arm": "armv7m", "rv32": "rv32imc"}
QEMU_TIMEOUT_S = 300
VERSIONS = ("3.9", "3.10", "3.11", "3.12", "3.13")

# A module path of tests is the same on every runtime: helpers and the tests' own folders.
TEST_FOLDERS = ("tests/support", "tests/unit", "tests/sim")


class RunError(Exception):
    """Cannot be run; the text says why."""


def command(
    runtime,
    file,
    args=(),
    heap=None,
    sources=False,
    path=(),
    frozen=False,
    virtual=False,
    counted=False,
    timeout=QEMU_TIMEOUT_S,
    function=None,
):
    """(argv, env) with which `file` runs on `runtime`; builds and compiles what is missing.

    A QEMU board has stack for 40 calls. With `function` it imports the file and then calls that
    function with the arguments, which leaves some more than running it as __main__ does.
    `counted`: its clock counts instructions, 1024 ns each.
    """
    file = os.fspath(file)
    if not os.path.isfile(file):
        raise RunError(f"no such file: {file}")
    folders = [os.path.dirname(os.path.abspath(file)), *map(os.path.abspath, path)]
    if folders[0].startswith(os.path.join(ROOT, "tests")):
        folders += [os.path.join(ROOT, x) for x in TEST_FOLDERS]
    folders = list(dict.fromkeys(x for x in folders if os.path.isdir(x)))
    args = [os.fspath(x) for x in args]
    if runtime in UNIX:
        return _unix(runtime, file, args, heap, sources, frozen, folders)
    if runtime in build.QEMU_TARGETS:
        how = {"virtual": virtual, "counted": counted, "timeout": timeout, "function": function}
        return _qemu(runtime, file, args, sources, folders, how)
    env = dict(os.environ)
    libs = [ROOT, *(os.path.join(ROOT, "ports", x) for x in ("cpython", "host"))]
    # The first folder is FILE's own, which CPython puts on the path itself.
    env["PYTHONPATH"] = os.pathsep.join(
        [*libs, *folders[1:], *filter(None, [env.get("PYTHONPATH")])]
    )
    return [cpython(runtime), file, *args], env


def _unix(runtime, file, args, heap, sources, frozen, folders):
    try:
        target = runtime + (build.FROZEN if frozen else "")
        micropython, mpy_cross = map(str, build.ensure(target, "mpy-cross"))
    except build.Missing as error:
        raise RunError(f"{runtime}: {error}") from None
    argv = [micropython]
    if heap:
        argv += ["-X", f"heapsize={heap}"]
    ports = [os.path.join(ROOT, "ports", x) for x in ("micropython", "unix", "host")]
    env = dict(os.environ)
    if sources:
        env["MICROPYPATH"] = ":".join([ROOT, *ports, *folders, ".frozen"])
        return [*argv, file, *args], env
    if not file.endswith(".py"):
        raise RunError(f"{runtime} runs files that end in .py, not {file}")
    trees = Trees(runtime, mpy_cross, UNIX[runtime])
    lib = os.path.join(MPY, runtime, "lib")
    wanted, found = [], []
    if not frozen:
        wanted.append((os.path.join(ROOT, "usip"), os.path.join(lib, "usip"), "-O3", True, True))
        for port in ports:
            found.append(os.path.join(MPY, runtime, "ports", os.path.basename(port)))
            wanted.append((port, found[-1], "-O3", True, True))
        found.insert(0, lib)
    rows = _programs(runtime, folders)
    inner = [row[1] for row in rows]
    # Other modules beside FILE may be for CPython only; those that are named here may not.
    trees.compile([*wanted, *rows], _named(file, args))
    # A script named by its path would have to be source, and -m has no Ctrl-C and no file name:
    # so a line of code imports it as __main__ (that is what the False asks for). It takes the
    # working directory off the path too, where the sources of usip may be lying.
    name = _module(os.path.basename(file))
    start = "import sys;sys.path.pop(0);sys.argv.pop(0);"
    start += f"__import__({name!r},None,None,False)"
    found = [x for x in found if os.path.isdir(x)]
    folders = [inner[0], *found, *inner[1:]]
    # A product's program is in its firmware as well: manifest_usip.py freezes the examples.
    own = frozen and os.path.dirname(file) == os.path.join(ROOT, "examples")
    env["MICROPYPATH"] = ":".join([".frozen", *folders] if own else [*folders, ".frozen"])
    return [*argv, "-c", start, file, *args], env


def _programs(runtime, folders):
    """Rows for Trees.compile of the folders that programs and tests are in."""
    rows = []
    for folder in folders:
        short = os.path.relpath(folder, ROOT)
        if short.startswith(".."):
            short = "other/" + hashlib.sha256(folder.encode()).hexdigest()[:8]
        # -O1 and higher strip asserts, which are what a test consists of.
        level = "-O0" if short.split(os.sep)[0] == "tests" else "-O2"
        deep = short == "tests/support"
        out = os.path.normpath(os.path.join(MPY, runtime, "run", short))
        rows.append((folder, out, level, deep, False))
    return rows


def _named(file, args):
    return {os.path.abspath(x) for x in [file, *args] if x.endswith(".py")}


def _qemu(runtime, file, args, sources, folders, how):
    if sources or not file.endswith(".py"):
        raise RunError(f"{runtime} runs compiled files that end in .py, not {file}")
    try:
        firmware, mpy_cross = map(str, build.ensure(runtime, "mpy-cross"))
        emulator = build.emulator(runtime)
    except build.Missing as error:
        raise RunError(f"{runtime}: {error}") from None
    if not emulator:
        raise RunError(f"{runtime}: the emulator is not on PATH")
    machine = runtime.split("-")[1]
    key = f"qemu-{machine}"  # stock or not, the same compiled files
    trees = Trees(key, mpy_cross, QEMU[machine])
    rows = _programs(key, folders)
    trees.compile(rows, _named(file, args))
    what = {
        "target": runtime,
        "elf": firmware,
        "emulator": emulator,
        "folders": [row[1] for row in rows],
        "main": trees.program(file, rows[0][2], not how["function"]),
        **how,
    }
    start = os.path.join(os.path.dirname(build.__file__), "qemu.py")
    return [sys.executable, start, json.dumps(what), file, *args], dict(os.environ)


def _module(name):
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
    return os.path.join(folder, _module(base) + ".mpy")


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


# ------------------------------------------------------------------------------------- CPython


def cpython(runtime):
    """The interpreter that is called cpython, cpython3.9, ... here."""
    version = runtime[len("cpython") :]
    if not runtime.startswith("cpython") or version not in ("", *VERSIONS):
        names = " ".join(
            ["cpython", *(f"cpython{v}" for v in VERSIONS), *UNIX, *build.QEMU_TARGETS]
        )
        raise RunError(f"unknown runtime {runtime!r}; there are: {names}")
    if version in ("", "%d.%d" % sys.version_info[:2]):
        return sys.executable
    home = os.environ.get("PYENV_ROOT") or os.path.expanduser("~/.pyenv")
    places = sorted(glob.glob(f"{home}/versions/{version}.*/bin/python"), reverse=True)
    places += filter(None, [shutil.which(f"python{version}")])
    for place in places:
        # pyenv leaves a python3.X on PATH that only says that there is no such version.
        ask = "import sys; print('%d.%d' % sys.version_info[:2])"
        done = subprocess.run([place, "-c", ask], capture_output=True, text=True)
        if done.stdout.strip() == version:
            return place
    raise RunError(f"no Python {version} on this machine")


def has_cpython(version):
    try:
        return bool(cpython("cpython" + version))
    except RunError:
        return False


# ---------------------------------------------------------------------------------------- main


def main(args):
    heap, path, more = None, [], {}
    args = list(args)
    while args and args[0].startswith("-"):
        option = args.pop(0)
        if option == "--py":
            more["sources"] = True
        elif option in ("--frozen", "--virtual"):
            more[option[2:]] = True
        elif option == "--heap" and args:
            heap = args.pop(0)
        elif option == "--path" and args:
            path.append(args.pop(0))
        elif option == "--timeout" and args and args[0].isdigit():
            more["timeout"] = int(args.pop(0))
        else:
            print(__doc__, file=sys.stdout if option in ("-h", "--help") else sys.stderr)
            return 0 if option in ("-h", "--help") else 2
    if len(args) < 2:
        print(__doc__.splitlines()[2].strip(), file=sys.stderr)
        return 2
    try:
        argv, env = command(args[0], args[1], args[2:], heap, path=path, **more)
    except RunError as error:
        print(f"tools/run: {error}", file=sys.stderr)
        return 2
    sys.stdout.flush()
    os.execve(argv[0], argv, env)
