#!/usr/bin/env python3
"""Build the MicroPython runtimes that usip is tested on; instant when nothing changed.

    tools/runtimes/build.py [--check] [TARGET...]      prints "TARGET<TAB>PATH" lines

TARGET: mpy-cross, unix64, unix32 (default: these); unix64-usip, unix32-usip, which have usip and
their ports frozen in as a firmware would; qemu-arm, qemu-rv32, firmware for boards that QEMU
emulates, with usip in it; qemu-arm-stock, qemu-rv32-stock, MicroPython's own boards with usip's
core in it. --check only looks: exit 3 if one is missing.

Where MicroPython comes from, in this order:
  MICROPYTHON=/path/to/source/tree   that tree, TLS and md5 only if its lib/mbedtls is there
  Debian                             its signed source package, from the machine's own mirror
  PATH                               `micropython` and `mpy-cross` that are installed already
USIP_CACHE names the cache (default build/runtimes); several clones may share one.
"""

import contextlib
import fcntl
import hashlib
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
CACHE = Path(os.environ.get("USIP_CACHE") or ROOT / "build" / "runtimes").resolve()
TARGETS = ("mpy-cross", "unix64", "unix32")
FROZEN = "-usip"  # the ending of a runtime's name that asks for usip in it
FROZEN_FROM = ("usip", "examples", "ports/micropython", "ports/unix", "ports/host")
# Firmware for QEMU: the board, and the Debian packages of its compiler and of its emulator.
QEMU = {"arm": "MPS2", "rv32": "RV32"}
QEMU_STOCK = {"arm": "MPS2_AN385", "rv32": "VIRT_RV32"}
QEMU_COMPILER = {
    "arm": ("gcc-arm-none-eabi", "libnewlib-arm-none-eabi"),
    "rv32": ("gcc-riscv64-unknown-elf", "picolibc-riscv64-unknown-elf"),
}
QEMU_SYSTEM = {
    "arm": ("qemu-system-arm", "qemu-system-arm"),  # program, package
    "rv32": ("qemu-system-riscv32", "qemu-system-misc"),
}
QEMU_TARGETS = tuple(f"qemu-{x}{y}" for y in ("", "-stock") for x in QEMU)
QEMU_FROM = ("usip", "ports/qemu", "ports/host")
# What has to be on PATH where there is no apt to ask.
PROGRAMS = {
    "gcc": "gcc",
    "make": "make",
    "gcc-arm-none-eabi": "arm-none-eabi-gcc",
    "gcc-riscv64-unknown-elf": "riscv64-unknown-elf-gcc",
    "qemu-system-arm": "qemu-system-arm",
    "qemu-system-misc": "qemu-system-riscv32",
}
ARCH = {"unix64": "amd64", "unix32": "i386"}  # as Debian calls them
RECIPE = 1  # raise it when a change below alters a result without altering make's arguments

# MicroPython version -> Debian version, suites to look in, sha256 of the .dsc (which holds the
# tarballs' own). When the first has left the mirror (its suites move on), the second is taken.
PINS = {
    "1.26.1": (
        "1.26.1+ds-1",
        ("forky", "sid"),
        "5c3feac74c0ad2ec2a8810b04e223bd634023bd24c5e5e10b545ba05a6b74a65",
    ),
    "1.25.0": (
        "1.25.0+ds-1",
        ("trixie",),
        "8c7c406be88a6f3bc19e694eb0bbc5841112243fdf2b5a296e000d8fdc5f3c34",
    ),
}
KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"
STARTED = time.monotonic()


class Missing(Exception):
    """The runtime cannot be had here; the text says what is missing and what would help."""


def say(text):
    print(f"[{time.monotonic() - STARTED:5.1f} s] {text}", file=sys.stderr, flush=True)


def os_release(key):
    try:
        lines = Path("/etc/os-release").read_text().splitlines()
    except OSError:
        return ""
    return next((x.partition("=")[2].strip('"') for x in lines if x.startswith(key + "=")), "")


# ------------------------------------------------------------------------------------- sources


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


def plain(target):
    return target[: -len(FROZEN)] if target.endswith(FROZEN) else target


def has_usip(target):
    return target.endswith(FROZEN) or target in QEMU_TARGETS


def manifest(target):
    if target in QEMU_TARGETS:
        return HERE / ("manifest_core.py" if target.endswith("-stock") else "manifest_qemu.py")
    return HERE / ("manifest_usip.py" if target.endswith(FROZEN) else "manifest.py")


def frozen_digest(target):
    """Changes when anything changes that a runtime with usip in it is made from."""
    if target in QEMU_TARGETS:
        folders = ("usip",) if target.endswith("-stock") else QEMU_FROM
    else:
        folders = FROZEN_FROM
    return digest_of(path for folder in folders for path in (ROOT / folder).rglob("*.py"))


def board_digest(*kinds):
    """Changes when the project's own board files do."""
    return digest_of(p for x in kinds for p in (ROOT / "ports/qemu/boards").rglob(x))


def digest_of(files):
    total = hashlib.sha256()
    for path in sorted(files):
        with contextlib.suppress(FileNotFoundError):  # an editor may be at work
            total.update(f"{path.relative_to(ROOT)}\n".encode() + path.read_bytes())
    return total.hexdigest()


def recipe(target, source):
    """Port folder, result's name, make's arguments, extra C flags and Debian packages."""
    target = plain(target)
    if target in QEMU_TARGETS:
        return qemu_recipe(target)
    if target == "mpy-cross":
        return "mpy-cross", "mpy-cross", ["STRIP="], "", ["gcc", "make", "libc6-dev"]
    if target not in TARGETS:
        names = " ".join((*TARGETS, *QEMU_TARGETS))
        raise Missing(f"unknown runtime {target!r}; there are: {names}")
    args = ["VARIANT=standard", "STRIP=", "MICROPY_PY_BTREE=0", "MICROPY_PY_FFI=0"]
    # Without it Ctrl-C jumps out of the signal handler, from the middle of a garbage collection
    # too: the heap then stays locked. With it the interpreter is told, and raises when it can.
    args.append("MICROPY_PY_THREAD_GIL=1")
    # No -march, no @micropython.viper in frozen modules.
    args.append("MPY_CROSS_FLAGS=-march=" + {"unix64": "x64", "unix32": "x86"}[target])
    packages = ["gcc", "make", "libc6-dev"]
    flags = ""
    if target == "unix32":
        args.append("MICROPY_FORCE_32BIT=1")
        packages.append(f"gcc-{gcc_major()}-multilib")
        # /usr/include/asm comes with gcc-multilib, which conflicts with every cross compiler;
        # gcc-NN-multilib does the work and does not.
        flags = "-idirafter /usr/include/x86_64-linux-gnu"
    if source is not None and not uses_system_mbedtls(source):
        if not (source / "lib" / "mbedtls" / "library").exists():
            args += ["MICROPY_PY_SSL=0", "MICROPY_SSL_MBEDTLS=0"]
    else:
        root = CACHE / "sysroot" / ARCH[target]
        flags += f" -isystem {root}/usr/include -ffile-prefix-map={CACHE}=/usip-runtimes"
        args += ["MICROPY_SSL_AXTLS=0", "MICROPY_SSL_MBEDTLS=1", f"LIB=-L{root}/lib"]
        # Static: the libraries are unpacked into the cache and not installed on the machine.
        libs = "-lmbedtls -lmbedx509 -lmbedcrypto"
        args.append(f"LDFLAGS_EXTRA=-static -Wl,--start-group {libs} -Wl,--end-group")
    return "ports/unix", "micropython", args, flags, packages


def qemu_recipe(target):
    machine = target.split("-")[1]
    if target.endswith("-stock"):
        args = [f"BOARD={QEMU_STOCK[machine]}"]
    else:
        board = f"USIP_{QEMU[machine]}"
        args = [f"BOARD={board}", f"BOARD_DIR={ROOT / 'ports/qemu/boards' / board}"]
    if machine == "rv32":
        # Debian's libraries know rv32imac and not rv32imac_zicsr; by the older specification
        # rv32imac has the CSR instructions.
        args.append("RV32_ARCH=rv32imac -misa-spec=2.2")
    packages = ["gcc", "make", "libc6-dev", *QEMU_COMPILER[machine], QEMU_SYSTEM[machine][1]]
    return "ports/qemu", "firmware.elf", args, "", packages


def emulator(target):
    """The program that runs the firmware of this target, installed if need be."""
    name, package = QEMU_SYSTEM[target.split("-")[1]]
    if not shutil.which(name):
        need([package])
    return shutil.which(name)


def uses_system_mbedtls(source):
    """Debian's source links the system's mbedtls; upstream's brings its own."""
    text = (source / "extmod" / "extmod.mk").read_text()
    return "MBEDTLS_DIR = lib/mbedtls" not in text


def gcc_major():
    suite = {"bookworm": "12", "trixie": "14"}.get(os_release("VERSION_CODENAME"))
    if suite:
        return suite
    try:
        return subprocess.check_output(["gcc", "-dumpversion"], text=True).split(".")[0].strip()
    except (OSError, subprocess.CalledProcessError):
        return "12"


def location(target, version=None):
    """Where the runtime is or will be. Its name holds all that the result depends on."""
    if kind() == "tree":
        source = tree()
        origin = "tree-" + hashlib.sha256(str(source).encode()).hexdigest()[:8]
    else:
        source = None
        origin = version or next(iter(PINS))
    text = repr((RECIPE, origin, recipe(target, source))).replace(str(CACHE), "")
    text = text.replace(str(ROOT), "")
    if target != "mpy-cross":
        text += manifest("").read_text()
    if has_usip(target):
        text += manifest(target).read_text() + frozen_digest(target)
    if target in QEMU_TARGETS and not target.endswith("-stock"):
        text += board_digest("*.[ch]", "*.mk", "*.ld")
    return CACHE / "bin" / origin / named(target, text)


def named(target, text):
    return f"{target}-{hashlib.sha256(text.encode()).hexdigest()[:10]}"


def workshop(target, place):
    """The folder to build in, one for every set of arguments: make does not notice those.

    What is frozen it does notice, and that is all in which a runtime with usip in it differs.
    """
    path = place(plain(target))
    name = path.name
    if target in QEMU_TARGETS:
        text = repr((RECIPE, recipe(target, None))) + board_digest("*.mk", "*.ld")
        name = named(target, text)
    return CACHE / "build" / path.parent.name / name


def existing(target):
    """The path of a runtime that is ready to use, or None."""
    if kind() == "path":
        return on_path(target)
    for version in PINS if kind() == "debian" else [None]:
        path = location(target, version)
        if path.exists():
            return path
    return None


def on_path(target):
    """An installed program serves as the one of the two unix runtimes whose word size it has."""
    if target == "mpy-cross":
        found = shutil.which("mpy-cross")
        return Path(found) if found else None
    if has_usip(target):
        raise Missing(f"{target} is built from source: set MICROPYTHON to MicroPython's tree")
    found = shutil.which("micropython")
    if not found:
        return None
    ask = "import sys; print(sys.maxsize > 1 << 32, sys.implementation[1] >= (1, 23, 0))"
    out = subprocess.run([found, "-c", ask], capture_output=True, text=True).stdout.split()
    wide = "True" if target == "unix64" else "False"
    return Path(found) if out == [wide, "True"] else None


# ---------------------------------------------------------------------------- Debian's packages


def installed(package):
    done = subprocess.run(
        ["dpkg-query", "-W", "-f", "${db:Status-Status}", package], capture_output=True, text=True
    )
    return done.stdout == "installed"


def need(packages):
    """Install Debian packages that are not there. Elsewhere their programs must be there."""
    if not shutil.which("dpkg-query") or not shutil.which("apt-get"):
        lacking = [PROGRAMS[p] for p in packages if p in PROGRAMS]
        lacking = sorted(p for p in lacking if not shutil.which(p))
        if lacking:
            raise Missing(f"needed on PATH: {' '.join(lacking)}")
        return
    lacking = sorted({p for p in packages if not installed(p)})
    if not lacking:
        return
    names = " ".join(lacking)
    if os.geteuid() != 0:
        raise Missing(f"missing packages; run as root: apt-get install {names}")
    say(f"apt-get install {names}")
    apt = ["apt-get", "-qq", "-o", "DPkg::Lock::Timeout=300"]
    logged([*apt, "update"], "apt-update.log")
    env = dict(os.environ, DEBIAN_FRONTEND="noninteractive")
    command = [*apt, "-y", "--no-install-recommends", "install", *lacking]
    logged(command, "apt-install.log", env=env)


def logged(command, log, **more):
    """Run a command with its output in a log of the cache; show the end of it on failure."""
    path = CACHE / "log" / log
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "wb") as out:
        code = subprocess.run(command, stdout=out, stderr=subprocess.STDOUT, **more).returncode
    if code:
        lines = path.read_text(errors="replace").splitlines()
        telling = [x for x in lines if re.search(r"error|undefined|\*\*\*|^E:", x)]
        print("\n".join(telling[:20] or lines[-20:]), file=sys.stderr)
        raise Missing(f"failed: {' '.join(map(str, command[:4]))} ... (log: {path})")


def mirror():
    """The Debian mirror that this machine's own apt uses."""
    release = os_release("VERSION_CODENAME")
    rows = subprocess.check_output(
        ["apt-get", "indextargets", "--format", "$(RELEASE)|$(REPO_URI)", "Created-By: Packages"],
        text=True,
        stderr=subprocess.DEVNULL,
    ).splitlines()
    uri = next((x.partition("|")[2] for x in rows if x.startswith(release + "|")), None)
    if uri is None:
        raise Missing(f"this machine's apt has no source for {release}")
    return uri


def private_apt(suite, where):
    """An environment in which apt-get knows one suite alone, source packages included.

    The machine's own sources stay as they are; the mirror is the one it uses itself.
    """
    release = os_release("VERSION_CODENAME")
    uri = mirror()
    base = where / suite
    for folder in ("lists/partial", "cache/archives/partial", "etc"):
        (base / folder).mkdir(parents=True, exist_ok=True)
    lines = f"deb-src [signed-by={KEYRING}] {uri} {suite} main\n"
    if suite == release:
        lines += lines.replace("deb-src", "deb", 1)
    (base / "sources.list").write_text(lines)
    (base / "apt.conf").write_text(
        f'Dir::Etc::SourceList "{base}/sources.list";\nDir::Etc::SourceParts "{base}/etc";\n'
        f'Dir::State::Lists "{base}/lists";\nDir::Cache "{base}/cache";\n'
        'APT::Architectures { "amd64"; "i386"; };\nAPT::Sandbox::User "root";\n'
    )
    env = dict(os.environ, APT_CONFIG=str(base / "apt.conf"))
    say(f"apt-get update: {suite}, in a directory of its own")
    logged(["apt-get", "-qq", "update"], f"apt-update-{suite}.log", env=env)
    return env


@contextlib.contextmanager
def scratch():
    """A folder for downloads: package lists are 100 MB and wanted for fetching only."""
    (CACHE / "tmp").mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=CACHE / "tmp") as name:
        yield Path(name)


def fetch_source(version):
    """Debian's source package, unpacked. apt checks the signature, then every hash."""
    debian, suites, sha = PINS[version]
    dest = CACHE / "src" / f"micropython-{debian}"
    if (dest / ".ok").exists():
        return dest
    need(["dpkg-dev", "xz-utils"])
    with scratch() as tmp:
        dsc = tmp / f"micropython_{debian}.dsc"
        for suite in suites:
            try:
                env = private_apt(suite, tmp)
                say(f"apt-get source micropython={debian} ({suite})")
                command = ["apt-get", "-qq", "source", "--download-only", f"micropython={debian}"]
                logged(command, "apt-source.log", env=env, cwd=tmp)
                break
            except Missing as error:
                say(f"{suite}: {error}")
        if not dsc.exists():
            raise Missing(f"micropython {debian} is not in {' or '.join(suites)}")
        if hashlib.sha256(dsc.read_bytes()).hexdigest() != sha:
            raise Missing(f"{dsc.name} is not the pinned one")
        shutil.rmtree(dest, ignore_errors=True)
        dest.parent.mkdir(parents=True, exist_ok=True)
        logged(["dpkg-source", "--no-check", "-x", dsc, tmp / "unpacked"], "dpkg-source.log")
        (tmp / "unpacked").rename(dest)
    (dest / ".ok").touch()
    return dest


def fetch_sysroots(arches):
    """Headers and static libraries of mbedtls for amd64, i386; not installed, only unpacked."""
    arches = [a for a in arches if not (CACHE / "sysroot" / a / ".ok").exists()]
    if not arches:
        return
    with scratch() as tmp:
        env = private_apt(os_release("VERSION_CODENAME"), tmp)
        for arch in arches:
            say(f"apt-get download libmbedtls-dev:{arch}")
            command = ["apt-get", "-qq", "download", f"libmbedtls-dev:{arch}"]
            logged(command, "apt-download.log", env=env, cwd=tmp)
            (deb,) = tmp.glob(f"libmbedtls-dev_*_{arch}.deb")
            logged(["dpkg", "-x", deb, tmp / arch], "dpkg-x.log")
            dest = CACHE / "sysroot" / arch
            shutil.rmtree(dest, ignore_errors=True)
            (dest / "usr").mkdir(parents=True)
            (tmp / arch / "usr/include").rename(dest / "usr/include")
            (dest / "lib").mkdir()
            for library in (tmp / arch).glob("usr/lib/*/libmbed*.a"):
                library.rename(dest / "lib" / library.name)
            (dest / ".ok").touch()


# --------------------------------------------------------------------------------------- build


def make(target, source, path, mpy_cross, build):
    port, name, args, flags, _ = recipe(target, source)
    if "MICROPY_PY_SSL=0" in args:
        say(f"no lib/mbedtls in {source}: {target} is built without TLS, md5 and sha1")
    command = ["make", "-C", source / port, f"-j{os.cpu_count() or 1}", f"BUILD={build}", *args]
    if flags:
        command.append(f"CFLAGS_EXTRA={flags}")
    if target != "mpy-cross":
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
    for version in PINS:
        try:
            source = fetch_source(version)
        except Missing as error:
            say(str(error))
            continue
        build_from(source, todo, lambda t, version=version: location(t, version))
        return
    raise Missing("no MicroPython source to be had from the mirror; MICROPYTHON=TREE also works")


def build_from(source, todo, place):
    if kind() == "tree":
        need({p for t in todo for p in recipe(t, source)[4]})
    arches = [ARCH[t] for t in map(plain, todo) if t in ARCH and uses_system_mbedtls(source)]
    if arches and (platform.machine() != "x86_64" or not shutil.which("apt-get")):
        raise Missing("this MicroPython source links Debian's mbedtls: it needs Debian on x86-64")
    fetch_sysroots(arches)
    cross = place("mpy-cross")
    for target in ["mpy-cross", *(t for t in todo if t != "mpy-cross")]:
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
    try:
        if check:
            found = {t: existing(t) for t in targets}
        else:
            found = build_all(targets)
    except Missing as error:
        say(f"error: {error}")
        return 1
    for target, path in found.items():
        print(f"{target}\t{path or 'missing'}")
    return 3 if None in found.values() else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
