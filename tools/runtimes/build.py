#!/usr/bin/env python3
"""Build the MicroPython runtimes that usip is tested on; instant when nothing changed.

    tools/runtimes/build.py [--check] [TARGET...]      prints "TARGET<TAB>PATH" lines

TARGET: mpy-cross, unix64, unix32 (default: these); mpy-cross-1.25, unix64-1.25, unix32-1.25, the
same from an older release; unix64-usip, unix32-1.25-usip, ..., which have usip and their ports
frozen in as a firmware would; qemu-arm, qemu-rv32, firmware for boards that QEMU emulates, with
usip in it; qemu-arm-stock, qemu-rv32-stock, MicroPython's own boards with usip's core in it;
qemu-arm-flash, qemu-rv32-flash, boards with a disk and no usip; wasm, wasm-1.23,
WebAssembly builds from npm. `boards` are all boards, `releases` all of other releases.
--check only looks: exit 3 if one is missing.

Where MicroPython comes from, in this order:
  MICROPYTHON=/path/to/source/tree   that tree, TLS and md5 only if its lib/mbedtls is there
  Debian                             its signed source package, from the machine's own mirror
  PATH                               `micropython` and `mpy-cross` that are installed already
USIP_CACHE names the cache (default build/runtimes); several clones may share one.
"""

import fcntl
import hashlib
import os
import platform
import shutil
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from runtimes import wasm
from runtimes.debian import (  # noqa: F401  (some are for those who import this module)
    CACHE,
    KEYRING,
    PINS,
    ROOT,
    Missing,
    fetch_source,
    fetch_sysroots,
    logged,
    mirror,
    need,
    os_release,
    say,
)
from runtimes.recipes import (  # noqa: F401
    ARCH,
    FROZEN,
    OLDER,
    QEMU_FLASH,
    QEMU_SYSTEM,
    QEMU_TARGETS,
    RECIPE,
    TARGETS,
    board_digest,
    frozen_digest,
    has_usip,
    is_qemu,
    manifest,
    plain,
    recipe,
    split,
    uses_system_mbedtls,
)


def kind():
    """Which of the three sources is used: "tree", "debian" or "path"."""
    if os.environ.get("MICROPYTHON"):
        return "tree"
    if os_release("ID") == "debian" and shutil.which("apt-get"):
        return "debian"
    return "path"


def tree():
    path = Path(os.environ["MICROPYTHON"]).resolve()
    if not (path / "ports" / "unix" / "Makefile").exists():
        raise Missing(f"MICROPYTHON={path} is not a MicroPython source tree")
    return path


def location(target, version=None):
    """Where the runtime is or will be. Its name holds all that the result depends on."""
    if kind() == "tree":
        if split(target)[1]:
            raise Missing(f"{target} is not made from MICROPYTHON's tree")
        source = tree()
        origin = "tree-" + hashlib.sha256(str(source).encode()).hexdigest()[:8]
    else:
        source = None
        origin = version or versions(target)[0]
    text = repr((RECIPE, origin, recipe(target, source))).replace(str(CACHE), "")
    text = text.replace(str(ROOT), "")
    if split(target)[0] != "mpy-cross":
        text += manifest("").read_text()
    if has_usip(target):
        text += manifest(target).read_text() + frozen_digest(target)
    if is_qemu(target) and not target.endswith("-stock"):
        text += board_digest("*.[ch]", "*.mk", "*.ld")
    if target in QEMU_FLASH:
        text += manifest(target).read_text() + board_digest("*.py")
    return CACHE / "bin" / origin / named(target, text)


def versions(target):
    """The releases that may become this runtime, best first."""
    version = split(target)[1]
    return [version] if version else list(PINS)


def named(target, text):
    return f"{target}-{hashlib.sha256(text.encode()).hexdigest()[:10]}"


def workshop(target, place):
    """The folder to build in, one for every set of arguments: make does not notice those.

    What is frozen it does notice, and that is all in which a runtime with usip in it differs.
    """
    path = place(plain(target))
    name = path.name
    if is_qemu(target):
        text = repr((RECIPE, recipe(target, None))) + board_digest("*.mk", "*.ld")
        name = named(target, text)
    return CACHE / "build" / path.parent.name / name


def existing(target):
    """The path of a runtime that is ready to use, or None."""
    if kind() == "path":
        return on_path(target)
    for version in versions(target) if kind() == "debian" else [None]:
        path = location(target, version)
        if path.exists():
            return path
    return None


def on_path(target):
    """An installed program serves as the one of the two unix runtimes whose word size it has."""
    if target == "mpy-cross":
        found = shutil.which("mpy-cross")
        return Path(found) if found else None
    if has_usip(target) or split(target)[1]:
        raise Missing(f"{target} is built from source: set MICROPYTHON to MicroPython's tree")
    found = shutil.which("micropython")
    if not found:
        return None
    ask = "import sys; print(sys.maxsize > 1 << 32, sys.implementation[1] >= (1, 23, 0))"
    out = subprocess.run([found, "-c", ask], capture_output=True, text=True).stdout.split()
    wide = "True" if target == "unix64" else "False"
    return Path(found) if out == [wide, "True"] else None


def emulator(target):
    """The program that runs the firmware of this target, installed if need be."""
    name, package = QEMU_SYSTEM[target.split("-")[1]]
    if not shutil.which(name):
        need([package])
    return shutil.which(name)


def make(target, source, path, mpy_cross, build):
    port, name, args, flags, _ = recipe(target, source)
    if "MICROPY_PY_SSL=0" in args:
        say(f"no lib/mbedtls in {source}: {target} is built without TLS, md5 and sha1")
    command = ["make", "-C", source / port, f"-j{os.cpu_count() or 1}", f"BUILD={build}", *args]
    if flags:
        command.append(f"CFLAGS_EXTRA={flags}")
    if split(target)[0] != "mpy-cross":
        command += [f"MICROPY_MPYCROSS={mpy_cross}", "MICROPY_MPYCROSS_DEPENDENCY="]
        command.append(f"FROZEN_MANIFEST={manifest(target)}")
    started = time.monotonic()
    say(f"make {target}")
    build.mkdir(parents=True, exist_ok=True)
    env = dict(os.environ, PYTHONDONTWRITEBYTECODE="1")  # MICROPYTHON's tree stays clean
    for name_ in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL"):  # of the make that may have called us
        env.pop(name_, None)
    # make goes by dates: another clone's sources, older than what lies there, it would not see
    shutil.rmtree(build / "frozen_mpy", ignore_errors=True)
    logged(command, f"make-{target}.log", env=env)
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_suffix(".new")
    shutil.copy(build / name, new)
    new.replace(path)
    say(f"made {target} in {time.monotonic() - started:.0f} s")


def newer(source, path):
    """Has the tree been edited since the runtime was built?"""
    then = path.stat().st_mtime
    for folder in ("py", "extmod", "shared", "mpy-cross", "ports/unix", "ports/qemu"):
        for base, folders, files in os.walk(source / folder):
            folders[:] = [x for x in folders if not x.startswith("build")]
            for x in files:
                if x.endswith((".c", ".h", ".py", ".mk", "Makefile")):
                    if os.stat(os.path.join(base, x)).st_mtime > then:
                        return True
    return False


def build_all(targets):
    """Build what is missing; returns {target: path}. One build at a time in a cache."""
    todo = [t for t in targets if existing(t) is None]
    if kind() == "tree":
        todo = [t for t in targets if t in todo or newer(tree(), existing(t))]
    if todo and kind() == "path":
        raise Missing(
            f"{' '.join(todo)}: this is no Debian machine and there is no such program on PATH"
            " (mpy-cross; micropython 1.23 or newer of that word size);"
            " set MICROPYTHON to a MicroPython source tree"
        )
    if todo:
        CACHE.mkdir(parents=True, exist_ok=True)
        with open(CACHE / ".lock", "w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                say("another build is running in this cache; waiting for it")
                fcntl.flock(lock, fcntl.LOCK_EX)
            build_locked(todo)
    return {t: existing(t) for t in targets}


def build_locked(todo):
    if kind() == "tree":
        build_from(tree(), todo, lambda t: location(t))
        return
    if not (CACHE / "src").exists():
        say("MicroPython is built once, from Debian's source: about 50 s")
    need(sorted({p for t in todo for p in recipe(t, None)[4]} | {"dpkg-dev", "xz-utils"}))
    for wanted in dict.fromkeys(split(t)[1] for t in todo):
        build_release([t for t in todo if split(t)[1] == wanted])


def build_release(todo):
    """Build targets that are all made from the same release."""
    for version in versions(todo[0]):
        try:
            source = fetch_source(version)
        except Missing as error:
            say(str(error))
            continue
        build_from(source, todo, lambda t, version=version: location(t, version))
        return
    tried = " or ".join(versions(todo[0]))
    raise Missing(f"no source of MicroPython {tried} on the mirror; MICROPYTHON=TREE also works")


def own_cross(target):
    """The mpy-cross of the release that a runtime is made from."""
    version = split(target)[1]
    return "mpy-cross-" + version.rpartition(".")[0] if version else "mpy-cross"


def build_from(source, todo, place):
    if kind() == "tree":
        need({p for t in todo for p in recipe(t, source)[4]})
    arches = [ARCH[t] for t, _ in map(split, todo) if t in ARCH and uses_system_mbedtls(source)]
    if arches and (platform.machine() != "x86_64" or not shutil.which("apt-get")):
        raise Missing("this MicroPython source links Debian's mbedtls: it needs Debian on x86-64")
    fetch_sysroots(arches)
    own = own_cross(todo[0])
    cross = place(own)
    for target in [own, *(t for t in todo if t != own)]:
        path = place(target)
        build = workshop(target, place)
        while not path.exists() or (kind() == "tree" and newer(source, path)):
            make(target, source, path, cross, build)
            if place(target) != path:  # a source was edited meanwhile: what is in it, who knows
                path.unlink()
                path = place(target)
        if has_usip(target):
            prune(path)


def prune(path):
    """Every edit of usip leaves a runtime behind; keep a few, another clone may be at it."""
    name = path.name.rpartition("-")[0]
    others = sorted(path.parent.glob(f"{name}-{'?' * 10}"), key=lambda x: x.stat().st_mtime)
    for old in others[:-6]:
        old.unlink()


def ensure(*targets):
    """Paths of the runtimes, built if need be; raises Missing with a reason for people."""
    found = [existing(t) for t in targets]
    if None in found:
        built = build_all(targets)
        found = [built[t] for t in targets]
    return found


def main(args):
    check = "--check" in args
    targets = [x for x in args if x != "--check"] or list(TARGETS)
    if any(x.startswith("-") for x in targets):
        print(__doc__, file=sys.stderr)
        return 2
    if "boards" in targets:
        targets.remove("boards")
        targets += [*QEMU_TARGETS, *QEMU_FLASH]
    if "releases" in targets:
        targets.remove("releases")
        targets += [f"{x}-{v}" for v in OLDER for x in TARGETS] + list(wasm.TARGETS)
    built = [t for t in targets if t not in wasm.TARGETS]
    fetched = [t for t in targets if t in wasm.TARGETS]
    try:
        if check:
            found = {t: existing(t) for t in built}
            found.update({t: wasm.existing(t) for t in fetched})
        else:
            found = build_all(built)
            found.update({t: wasm.ensure(t)[1] for t in fetched})
    except Missing as error:
        say(f"error: {error}")
        return 1
    for target, path in found.items():
        print(f"{target}\t{path or 'missing'}")
    return 3 if None in found.values() else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
