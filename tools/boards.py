#!/usr/bin/env python3
"""usip on a board of board_configs/.

    tools/boards.py install BOARD DEVICE [--config config.py] [--no-start]
    tools/boards.py flash BOARD DEVICE FIRMWARE
    tools/boards.py firmware BOARD MICROPYTHON [--variant SPIRAM]

install   onto a board with MicroPython on it: compiles usip, its port, board.py and the door's
          program (examples/door.py), copies what differs with mpremote, compares every file that
          arrived by its SHA-256, and starts the program. config.py holds names and passwords; one
          that is on the board already stays, unless --config gives another. Where the firmware has
          usip in it only the board's own files are copied; a board whose heap is too small for the
          rest is told so.
flash     the board's whole flash anew, with a firmware file of yours: esptool; for an RP2 DEVICE is
          the drive that appears while BOOTSEL is held.
firmware  a firmware with usip frozen in, in your own MicroPython tree with its tools installed.
          What it makes lies in build/firmware/BOARD/, the tree is left as it is. The variant is
          that of MicroPython's board, SPIRAM or SPIRAM_OCT for one with PSRAM.
"""

import argparse
import ast
import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import stage
import wiring
from runtimes import build
from trees import RunError

ROOT = Path(build.ROOT)
# Where the chip looks for what it runs first.
OFFSET = {"ESP32": "0x1000", "ESP32-S3": "0x0", "ESP32-C3": "0x0"}
LIMIT_S = 600  # for any program that is called; copying by a serial line takes minutes
BACK_S = 20  # until a board that was reset is there again, with its USB
# The door from .mpy files registers and is called with 204 KB on an emulated board; sound and Wi-Fi
# take theirs beside it.
HEAP = 256 * 1024

# Runs on the board, first of all: what is there, and time to work in. A soft reset stops no
# watchdog. An ESP32's takes a longer time, and ends with the reset at the end; an RP2's does not:
# with a file `bench` the door's program starts none (usip_micropython/restart.py).
ASK = """\
import gc, os, sys
there = os.listdir('/')
door = ''
if 'main.py' in there:
    try:
        from machine import WDT
        if sys.platform == 'esp32':
            WDT(timeout=3600000)
            door = 'longer'
        else:
            with open('/bench', 'w') as f:
                f.write('make install')
            door = 'bench'
    except ImportError:
        pass
boot = None
if 'boot.py' in there:
    with open('/boot.py') as f:
        boot = f.read()
frozen = False
try:
    import usip
    os.stat(usip.__file__)
except ImportError:
    pass
except OSError:
    frozen = True
gc.collect()
print(repr((door, frozen, gc.mem_free(), boot)))
"""
UNBENCH = """\
import os
try:
    os.remove('/bench')
except OSError:
    pass
"""

# The first to run after any reset, of the program alone as well, which stops the relay's timer and
# leaves its pin as it is.
BOOT = """\
# usip: what opens the door is off, whatever runs next
from machine import Pin

Pin(%d, Pin.OUT, value=%d)
"""
# Compiled code cannot be the first to run. Importing leaves garbage between what stays: unless it
# is collected on the way no piece of the heap is large enough in the end.
MAIN = """\
import gc

gc.threshold(8192)
import board, usip.phone, usip.supervisor, usip.door.opener

gc.collect()
gc.threshold(-1)
import door
"""

# Runs on the board: the SHA-256 of each file that was sent.
CHECK = """\
import hashlib, binascii
b = bytearray(512)
for p in %r:
    h = hashlib.sha256()
    try:
        with open(p, 'rb') as f:
            while True:
                n = f.readinto(b)
                if not n:
                    break
                h.update(memoryview(b)[:n])
        print(p, binascii.hexlify(h.digest()).decode())
    except OSError:
        print(p, 'missing')
"""


class Failed(Exception):
    """What the user is told."""


def run(argv, what, **how):
    """Run a program; what it printed. Its output goes to the terminal as well if it fails."""
    try:
        done = subprocess.run(
            list(map(str, argv)),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=LIMIT_S,
            **how,
        )
    except FileNotFoundError:
        raise Failed(f"{argv[0]} is not installed") from None
    except subprocess.TimeoutExpired:
        raise Failed(f"{what}: no end after {LIMIT_S} s") from None
    if done.returncode:
        raise Failed(f"{what} failed: {done.stdout.strip()[-1000:]}")
    return done.stdout


def mpremote(device, *args):
    return run([sys.executable, "-m", "mpremote", "connect", device, *args], "mpremote")


def ports(board):
    """The ports that a board needs beside usip_micropython."""
    more = {"qemu": ["host"]}.get(board["port"], [])
    return [board["port"], *more, *(["codecs"] if "codec" in board else [])]


# ---------------------------------------------------------------------------------------- install


def tree(name, config, folder, frozen=False):
    """Make the board's file system in `folder`; what is in the firmware need not be there."""
    board = wiring.read(name)
    if not frozen:
        lib = folder / "lib"
        lib.mkdir()
        stage.compile_all(board["arch"], ports(board), lib)
    cross = build.ensure("mpy-cross")[0]
    for source in (wiring.BOARDS / name / "board.py", ROOT / "examples" / "door.py"):
        out = folder / (source.stem + ".mpy")
        argv = [cross, "-O2", f"-march={board['arch']}", "-s", source.name, "-o", out, source]
        run(argv, f"mpy-cross {source.name}")
    (folder / "main.py").write_text(MAIN)
    if config:
        shutil.copy(config, folder / "config.py")


def boot_file(board, there, folder):
    """boot.py, but for somebody's own; what is to be told then."""
    row = board.get("opener")
    if not row:
        return ""
    text = BOOT % (row["pin"], 1 - row["on"])
    line = text.splitlines()[-1]
    lines = [x.strip() for x in (there or "").splitlines()]
    if line in lines:
        return ""
    # What an ESP32 makes at its first start has comments alone.
    if (there or "").startswith(BOOT.splitlines()[0]) or not [x for x in lines if x[:1] not in "#"]:
        (folder / "boot.py").write_text(text)
        return ""
    return f"boot.py is yours and stays: put 'from machine import Pin; {line}' first in it"


def ask(device):
    """What is known of a door's watchdog there, whether usip is in the firmware, free heap, and
    boot.py's text."""
    said = mpremote(device, "exec", ASK).strip().splitlines()
    try:
        return ast.literal_eval(said[-1])
    except (IndexError, ValueError, SyntaxError):
        raise Failed(f"the board says {said[-1:]} to a question") from None


def again(device):
    """Reset a board and catch it before its program starts a watchdog."""
    mpremote(device, "reset")
    end = time.monotonic() + BACK_S
    while True:
        time.sleep(0.5)
        try:
            return mpremote(device, "exec", "pass")
        except Failed:
            if time.monotonic() > end:
                raise


def install(name, device, config, start):
    if config and not Path(config).is_file():
        raise Failed(f"no such file: {config}")
    # Said before a minute of compiling.
    if not importlib.util.find_spec("mpremote"):
        raise Failed("mpremote is not installed (pip install '.[dev]')")
    door, frozen, free, boot = ask(device)
    bench = door == "bench"
    if not frozen and free < HEAP:
        if bench:
            mpremote(device, "exec", UNBENCH)
        if door:
            mpremote(device, "reset")  # it goes on as it was
        raise Failed(
            f"{free // 1024} KB of heap are not enough for usip from files ({HEAP // 1024} KB): "
            f"it needs usip frozen in, see `make firmware` and board_configs/{name}/README.md"
        )
    if bench:
        again(device)
    try:
        with tempfile.TemporaryDirectory(prefix="usip-") as made:
            folder = Path(made)
            tree(name, config, folder, frozen)
            advice = boot_file(wiring.read(name), boot, folder)
            send(device, folder)
    finally:
        if bench:
            mpremote(device, "exec", UNBENCH)
    if advice:
        print(advice)
    if "missing" in compare(device, {"config.py": ""}).values():
        raise Failed(
            "there is no config.py on the board: write one as examples/door.py says, "
            "and give it by CONFIG=config.py"
        )
    if start:
        mpremote(device, "reset")
        print("started")


def send(device, folder):
    """Copy what differs, and see that it arrived."""
    wanted = {
        str(p.relative_to(folder)): hashlib.sha256(p.read_bytes()).hexdigest()
        for p in sorted(folder.rglob("*"))
        if p.is_file()
    }
    total = sum((folder / x).stat().st_size for x in wanted)
    there = compare(device, wanted)
    for path in there:
        if there[path] == wanted[path]:
            (folder / path).unlink()  # need not be sent
    changed = [x for x in wanted if there.get(x) != wanted[x]]
    if changed:
        print(f"copying {len(changed)} of {len(wanted)} files, {total} bytes in all")
        # Ours is the folder's, not the file system's: "/." copies what is in it.
        mpremote(device, "fs", "cp", "-r", f"{folder}/.", ":/")
        there = compare(device, wanted)
    wrong = [x for x in wanted if there.get(x) != wanted[x]]
    if wrong:
        raise Failed("arrived damaged or not at all: " + " ".join(wrong[:5]))
    print(f"verified {len(wanted)} files")


def compare(device, wanted):
    """{path: SHA-256 as the board sees it}."""
    found = {}
    names = list(wanted)
    # A list of all would be a long line for a small board's terminal.
    for i in range(0, len(names), 20):
        said = mpremote(device, "exec", CHECK % (names[i : i + 20],))
        for line in said.splitlines():
            path, _, digest = line.strip().rpartition(" ")
            if path in wanted:
                found[path] = digest
    return found


# ------------------------------------------------------------------------------- flash, firmware


def flash(name, device, firmware):
    board = wiring.read(name)
    firmware = Path(firmware)
    if not firmware.is_file():
        raise Failed(f"no such file: {firmware}")
    if board["port"] == "rp2":
        if not (Path(device) / "INFO_UF2.TXT").is_file() or firmware.suffix != ".uf2":
            raise Failed("hold BOOTSEL while you plug it in; DEVICE is the drive, FIRMWARE a .uf2")
        shutil.copy(firmware, device)
    elif board["chip"] in OFFSET:
        chip = board["chip"].lower().replace("-", "")
        esptool = shutil.which("esptool") or shutil.which("esptool.py")
        if not esptool:
            raise Failed("esptool is not installed (pip install esptool)")
        base = [esptool, "--chip", chip, "--port", device]
        run([*base, "erase_flash"], "esptool erase_flash")
        run([*base, "write_flash", "-z", OFFSET[board["chip"]], firmware], "esptool write_flash")
    else:
        raise Failed(f"{name} has no flash")
    print("flashed")


def firmware(name, source, variant=None):
    board = wiring.read(name)
    if not source:
        raise Failed("which MicroPython? Say MICROPYTHON=/path/to/a/clone of its repository")
    source = Path(source).resolve()
    port = source / "ports" / board["port"]
    if not port.is_dir() or not (source / "mpy-cross").is_dir():
        raise Failed(f"no MicroPython tree with ports/{board['port']}: {source}")
    variant = variant or board.get("variant")
    out = ROOT / "build" / "firmware" / name
    out.mkdir(parents=True, exist_ok=True)
    # The tree's own compiler: the format of what it freezes is its business.
    cross = out / "mpy-cross"
    jobs = f"-j{os.cpu_count() or 1}"
    env = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
    for variable in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL", "MICROPYTHON", "BOARD", "VARIANT"):
        env.pop(variable, None)  # of the make that may have called us
    run(["make", "-C", source / "mpy-cross", jobs, f"BUILD={cross}", "STRIP="], "make", env=env)
    # Of its own: what a build has configured stays in its folder.
    made = out / (f"build-{variant}" if variant else "build")
    args = [f"BOARD={board['firmware']}", f"BUILD={made}"]
    args += [f"FROZEN_MANIFEST={wiring.BOARDS / name / 'manifest.py'}"]
    args += [f"MICROPY_MPYCROSS={cross / 'mpy-cross'}", "MICROPY_MPYCROSS_DEPENDENCY="]
    if variant:
        args.append(f"BOARD_VARIANT={variant}")
    own = ROOT / "ports" / board["port"] / "boards" / board["firmware"]
    if own.is_dir():
        args.append(f"BOARD_DIR={own}")
    elif (source / ".git").exists():
        run(["make", "-C", port, *args, "submodules"], "make submodules", env=env)
    run(["make", "-C", port, jobs, *args], f"make {board['firmware']}", env=env)
    for result in ("firmware.bin", "firmware.uf2", "firmware.elf"):
        if (made / result).exists():
            print(made / result)
            return
    raise Failed(f"make left no firmware in {made}")


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    todo = parser.add_subparsers(dest="todo", required=True)
    sub = todo.add_parser("install")
    sub.add_argument("board")
    sub.add_argument("device")
    sub.add_argument("--config")
    sub.add_argument("--no-start", action="store_true")
    sub = todo.add_parser("flash")
    sub.add_argument("board")
    sub.add_argument("device")
    sub.add_argument("firmware")
    sub = todo.add_parser("firmware")
    sub.add_argument("board")
    sub.add_argument("micropython")
    sub.add_argument("--variant")
    args = parser.parse_args()
    try:
        if args.board not in wiring.names():
            raise Failed(f"no board {args.board!r}: {' '.join(wiring.names())}")
        wrong = wiring.problems(wiring.read(args.board))
        if wrong:
            raise Failed("; ".join(wrong))
        if args.todo == "install":
            install(args.board, args.device, args.config, not args.no_start)
        elif args.todo == "flash":
            flash(args.board, args.device, args.firmware)
        else:
            firmware(args.board, args.micropython, args.variant)
    except (Failed, RunError, build.Missing) as error:
        print(f"tools/boards.py: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
