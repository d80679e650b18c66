"""What each runtime is made from: make's arguments, Debian packages, files frozen into it.

A target is called NAME, or NAME-1.25 when it is made from that release of MicroPython and not from
the newest one; with -usip at its end usip is in it.
"""

import contextlib
import hashlib
import re
import subprocess
from pathlib import Path

from .debian import CACHE, PINS, ROOT, Missing, os_release

HERE = Path(__file__).resolve().parent
TARGETS = ("mpy-cross", "unix64", "unix32")
FROZEN = "-usip"  # the ending of a runtime's name that asks for usip in it
FROZEN_FROM = ("usip", "examples", "ports/micropython", "ports/unix", "ports/host")
# The releases that the unix runtimes are made from besides the newest: 1.25
OLDER = tuple(x.rpartition(".")[0] for x in list(PINS)[1:])
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
# Without usip, with a disk that it is copied to; its heap holds usip from .mpy files, which takes
# as much as an ESP32 has.
QEMU_FLASH = tuple(f"qemu-{x}-flash" for x in QEMU)
FLASH_HEAP = 384 * 1024
QEMU_FROM = ("usip", "ports/qemu/usip_qemu", "ports/host")
ARCH = {"unix64": "amd64", "unix32": "i386"}  # as Debian calls them
RECIPE = 1  # raise it when a change below alters a result without altering make's arguments


def plain(target):
    """The runtime without usip in it."""
    return target[: -len(FROZEN)] if target.endswith(FROZEN) else target


def split(target):
    """("unix32", "1.25.0") of unix32-1.25-usip; the version is None when the newest is meant."""
    found = re.fullmatch(r"(.+)-(\d+\.\d+)", plain(target))
    if not found:
        return plain(target), None
    name, short = found.groups()
    versions = [x for x in PINS if x.startswith(short + ".")]
    if not versions or name not in TARGETS:
        raise Missing(f"unknown runtime {target!r}; there are: {' '.join(names())}")
    return name, versions[0]


def names():
    """Everything that can be built, but for the -usip ones."""
    return (*TARGETS, *(f"{x}-{v}" for v in OLDER for x in TARGETS), *QEMU_TARGETS, *QEMU_FLASH)


def is_qemu(target):
    return target in QEMU_TARGETS or target in QEMU_FLASH


def has_usip(target):
    return target.endswith(FROZEN) or target in QEMU_TARGETS


def manifest(target):
    if target in QEMU_FLASH:
        return HERE / "manifest_flash.py"
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
    target, _ = split(target)
    if is_qemu(target):
        return qemu_recipe(target)
    if target == "mpy-cross":
        return "mpy-cross", "mpy-cross", ["STRIP="], "", ["gcc", "make", "libc6-dev"]
    if target not in TARGETS:
        raise Missing(f"unknown runtime {target!r}; there are: {' '.join(names())}")
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
    if target in QEMU_FLASH:
        args += ["USIP_FLASH=1", f"MICROPY_HEAP_SIZE={FLASH_HEAP}"]
    if machine == "rv32":
        # Debian's libraries know rv32imac and not rv32imac_zicsr; by the older specification
        # rv32imac has the CSR instructions.
        args.append("RV32_ARCH=rv32imac -misa-spec=2.2")
    packages = ["gcc", "make", "libc6-dev", *QEMU_COMPILER[machine], QEMU_SYSTEM[machine][1]]
    return "ports/qemu", "firmware.elf", args, "", packages


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
