"""How a Python file is run on a runtime, with usip and the runtime's ports on its path.

    tools/run [--heap 64k] [--frozen | --py] [--path DIR]... RUNTIME FILE ARGS...
    tools/run --serial pty RUNTIME

RUNTIME  cpython (this python3), cpython3.9 ... 3.13, unix64, unix32; unix64-1.25, unix32-1.25
         (MicroPython of that release); qemu-arm, qemu-rv32 (boards without an operating system,
         emulated: Cortex-M3 and RISC-V, 140 KB heap), qemu-arm-stock, qemu-rv32-stock (the same
         with usip's core alone, no clock, no network); wasm, wasm-1.23 (WebAssembly in Node: the
         newest MicroPython and the oldest that will do; from sources, no network)
--heap   size of the MicroPython heap (64k, 1M); CPython and the boards ignore it
--frozen usip and its ports are in MicroPython, as in a firmware, and their code takes no heap
--py     MicroPython reads the sources instead of compiled .mpy files
--path   one more folder of modules
--virtual      on a QEMU board time passes at once while the processor sleeps
--timeout 300  so long may a program run on a QEMU board
--serial pty   a QEMU board with its UART for mpremote: a pseudo terminal (the name is printed), or
         HOST:PORT for socket://HOST:PORT; qemu-arm-flash and qemu-rv32-flash are boards for that:
         with a disk, 384 KB heap, and no usip in them

MicroPython is built when it is missing (tools/runtimes/build.py). usip, the ports, FILE and the
modules beside it are compiled into build/mpy/RUNTIME/, so that a program needs the heap it would
need on a board; only what changed is compiled again. The process becomes the interpreter: pid,
signals and exit status are the program's own.

Programs that start others use command() and pass what it returns to subprocess.
"""

import glob
import hashlib
import json
import os
import shutil
import subprocess
import sys

from runtimes import build, wasm
from trees import MPY, ROOT, RunError, Trees, module

UNIX = {"unix64": "x64", "unix32": "x86"}  # runtime -> what mpy-cross calls its machine code
OLDER = {f"{x}-{v}": UNIX[x] for v in build.OLDER for x in UNIX}
WASM = wasm.TARGETS
# KB in which the shared tests run, usip frozen in. On unix64 pointers are twice as wide.
HEAPS = {"unix32": 64, "unix64": 128}
QEMU = {"arm": "armv7m", "rv32": "rv32imc"}
QEMU_TIMEOUT_S = 300
FOREVER_S = 365 * 24 * 3600
VERSIONS = ("3.9", "3.10", "3.11", "3.12", "3.13")

# A module path of tests is the same on every runtime: helpers and the tests' own folders.
TEST_FOLDERS = ("tests/support", "tests/unit", "tests/sim")


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
    if runtime in UNIX or runtime in OLDER:
        return _unix(runtime, file, args, heap, sources, frozen, folders)
    if runtime in build.QEMU_TARGETS:
        how = {"virtual": virtual, "counted": counted, "timeout": timeout, "function": function}
        return _qemu(runtime, file, args, sources, folders, how)
    if runtime in WASM:
        return _wasm(runtime, file, args, folders)
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
        micropython, mpy_cross = map(str, build.ensure(target, build.own_cross(runtime)))
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
    trees = Trees(runtime, mpy_cross, UNIX.get(runtime) or OLDER[runtime])
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
    name = module(os.path.basename(file))
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
        deep = short == "tests/support" or short.split(os.sep)[0] == "ports"
        out = os.path.normpath(os.path.join(MPY, runtime, "run", short))
        rows.append((folder, out, level, deep, False))
    return rows


def _named(file, args):
    return {os.path.abspath(x) for x in [file, *args] if x.endswith(".py")}


def _board(runtime, *more):
    """The paths of an emulator, of the firmware and of what else is to be built."""
    try:
        paths = list(map(str, build.ensure(runtime, *more)))
        emulator = build.emulator(runtime)
    except build.Missing as error:
        raise RunError(f"{runtime}: {error}") from None
    if not emulator:
        raise RunError(f"{runtime}: the emulator is not on PATH")
    return emulator, *paths


def serial(runtime, address, timeout=QEMU_TIMEOUT_S):
    """(argv, env) with which a QEMU board is switched on, its UART at the TCP address HOST:PORT or
    at a pseudo terminal ("pty").

    When it can be connected to, it prints a line with the device; the port may be 0.
    """
    if runtime not in (*build.QEMU_TARGETS, *build.QEMU_FLASH):
        raise RunError(f"{runtime} is no board that QEMU emulates")
    emulator, firmware = _board(runtime)
    what = {"target": runtime, "elf": firmware, "emulator": emulator, "serial": address}
    start = os.path.join(os.path.dirname(build.__file__), "terminal.py")
    return [sys.executable, start, json.dumps({**what, "timeout": timeout})], dict(os.environ)


def _qemu(runtime, file, args, sources, folders, how):
    if sources or not file.endswith(".py"):
        raise RunError(f"{runtime} runs compiled files that end in .py, not {file}")
    emulator, firmware, mpy_cross = _board(runtime, "mpy-cross")
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


def _wasm(runtime, file, args, folders):
    try:
        node, script = wasm.ensure(runtime)
    except build.Missing as error:
        raise RunError(f"{runtime}: {error}") from None
    # It reads sources: what they are tried on is its compiler too.
    copies = [(os.path.join(ROOT, "usip"), "/lib/usip"), (os.path.join(ROOT, "ports/host"), "/lib")]
    path = ["/main", "/lib"]
    for i, folder in enumerate(folders):
        copies.append((folder, f"/path/{i}"))
        path.append(f"/path/{i}")
    what = {"module": script, "copies": copies, "path": path}
    start = os.path.join(os.path.dirname(build.__file__), "node", "run.mjs")
    return [node, start, json.dumps(what), file, *args], dict(os.environ)


# ------------------------------------------------------------------------------------- CPython


def names():
    """Every runtime, as tools/run calls them."""
    cpythons = ["cpython", *(f"cpython{v}" for v in VERSIONS)]
    return [*cpythons, *UNIX, *OLDER, *build.QEMU_TARGETS, *WASM]


def cpython(runtime):
    """The interpreter that is called cpython, cpython3.9, ... here."""
    version = runtime[len("cpython") :]
    if not runtime.startswith("cpython") or version not in ("", *VERSIONS):
        names = " ".join(
            [
                "cpython",
                *(f"cpython{v}" for v in VERSIONS),
                *UNIX,
                *OLDER,
                *build.QEMU_TARGETS,
                *WASM,
            ]
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
    heap, path, more, address = None, [], {}, None
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
        elif option == "--serial" and args:
            address = args.pop(0)
        elif option == "--timeout" and args and args[0].isdigit():
            more["timeout"] = int(args.pop(0))
        else:
            print(__doc__, file=sys.stdout if option in ("-h", "--help") else sys.stderr)
            return 0 if option in ("-h", "--help") else 2
    if len(args) != 1 if address else len(args) < 2:
        print(__doc__.splitlines()[2].strip(), file=sys.stderr)
        return 2
    try:
        if address:
            argv, env = serial(args[0], address, more.get("timeout", FOREVER_S))
        else:
            argv, env = command(args[0], args[1], args[2:], heap, path=path, **more)
    except RunError as error:
        print(f"tools/run: {error}", file=sys.stderr)
        return 2
    sys.stdout.flush()
    os.execve(argv[0], argv, env)
