"""make install, flash and firmware: onto a board that QEMU emulates, as a user does it."""

import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest
import test_mpremote

import runner

sys.path += [os.path.join(runner.ROOT, "tools"), os.path.join(runner.ROOT, "tests", "interop")]

import rig as rigs  # noqa: E402  (found on the path made above)

SLOW = True
TOOL = Path(runner.ROOT) / "tools" / "boards.py"
folder = test_mpremote.folder
started = test_mpremote.started

CONFIG = """\
WIFI = None
BIND = "{ip}"
ACCOUNT = "sip:door@{registrar}"
PASSWORD = "ding"
RING = "indoor"
CODE = "5"
ALLOW = "registrar,127.*"
"""


def boards(*args, fails=None, env=None):
    """Run tools/boards.py; what it printed. `fails`: what it says then."""
    done = subprocess.run(
        [sys.executable, TOOL, *map(str, args)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=200,
        env=env,
    )
    print(done.stdout)
    if fails:
        assert done.returncode == 1 and fails in done.stdout
    else:
        assert not done.returncode, done.stdout
    return done.stdout


@pytest.mark.timeout(300)
def test_install(folder, started):
    """A new board, one command, and the door rings, talks and opens."""
    try:
        argv, env = runner.serial("qemu-arm-flash", "pty", timeout=280)
    except runner.RunError as error:
        rigs.missing(str(error))
    board = started(rigs.Program(argv, folder, "board", env, limit=280, stdout=subprocess.PIPE))
    device = board.process.stdout.readline().decode().split()[-1]
    said = boards("install", "QEMU_MPS2", device, fails="there is no config.py on the board")
    assert "copying" in said and "verified" in said and "started" not in said

    ip, registrar = rigs.addresses().take(), rigs.addresses().take()
    config = folder / "my_config.py"
    config.write_text(CONFIG.format(ip=ip, registrar=registrar))
    file = os.path.join(runner.ROOT, "examples", "registrar.py")
    args = [f"{registrar}:5060", "door:ding"]
    server = started(test_mpremote.Lines(folder, "registrar", "cpython", file, args))
    server.wait("listening on")
    # The second time only what is new is sent.
    said = boards("install", "QEMU_MPS2", device, "--config", config)
    assert "copying 1 of" in said and said.rstrip().endswith("started")
    terminal = started(test_mpremote.Terminal(device))
    terminal.wait(r"registered")
    server.wait("registered door")
    caller = started(
        rigs.Phone(
            *(folder, "caller", "cpython", "call", f"sip:door@{ip}"),
            *("--dtmf", "5#", "--hangup-after", "3"),
        )
    )
    caller.wait("answered", seconds=30)
    terminal.wait(r"talking")
    terminal.wait(r"relay door 1")
    terminal.wait(r"relay door 0")
    caller.wait("ended", code=200, seconds=30)
    terminal.wait(r"call over: HungUp")


def test_install_says_what_is_wrong(folder):
    boards("install", "TOASTER", "/dev/null", fails="no board 'TOASTER': AUDIOKIT_ES8388")
    boards("install", "QEMU_MPS2", "/dev/null", "--config", folder / "x", fails="no such file")
    boards("install", "QEMU_MPS2", folder / "nothing", fails="mpremote failed")


def tool(folder, name, text):
    """A program of that name that keeps what it was called with."""
    path = folder / name
    path.write_text(f'#!/bin/sh\necho {name} "$@" >>{folder}/said\n{text}\n')
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return {**os.environ, "PATH": f"{folder}:{os.environ['PATH']}"}


def test_flash(folder):
    file = folder / "firmware.bin"
    file.write_bytes(b"x")
    env = tool(folder, "esptool", "")
    for board, chip, at in (
        ("ESP32_DEVKIT_I2S", "esp32", "0x1000"),
        ("ESP32_C3_RING", "esp32c3", "0x0"),
    ):
        assert "flashed" in boards("flash", board, "/dev/ttyX", file, env=env)
        said = (folder / "said").read_text().splitlines()[-2:]
        assert said == [
            f"esptool --chip {chip} --port /dev/ttyX erase_flash",
            f"esptool --chip {chip} --port /dev/ttyX write_flash -z {at} {file}",
        ]
    boards("flash", "ESP32_C3_RING", "/dev/ttyX", folder / "none", fails="no such file", env=env)
    env = tool(folder, "esptool", "echo 'no serial data received'; exit 2")
    boards("flash", "ESP32_C3_RING", "/dev/ttyX", file, fails="no serial data", env=env)


def test_flash_pico(folder):
    file = folder / "firmware.uf2"
    file.write_bytes(b"UF2\n")
    drive = folder / "drive"
    drive.mkdir()
    boards("flash", "RPI_PICO_W_I2S", drive, file, fails="hold BOOTSEL")
    (drive / "INFO_UF2.TXT").write_text("UF2 Bootloader\n")
    boards("flash", "RPI_PICO_W_I2S", drive, file)
    assert (drive / "firmware.uf2").read_bytes() == b"UF2\n"


@pytest.mark.timeout(400)
def test_firmware(folder, started):
    """usip and board.py in a firmware that is built in a tree as a user has it."""
    try:
        argv, env = runner.serial("qemu-arm", "pty", timeout=100)
        own = os.environ.get("MICROPYTHON")
        source = own or runner.build.fetch_source(list(runner.build.PINS)[0])
    except (runner.RunError, runner.build.Missing) as error:
        rigs.missing(str(error))
    said = boards("firmware", "QEMU_MPS2", source)
    what = json.loads(argv[-1])
    what["elf"] = said.split()[-1]
    argv = [*argv[:-1], json.dumps(what)]
    board = started(rigs.Program(argv, folder, "board", env, limit=100, stdout=subprocess.PIPE))
    device = board.process.stdout.readline().decode().split()[-1]
    text = "import board, usip; print(board.BOARD['name'], usip.__file__, board.button.name)"
    said = test_mpremote.mpremote(device, "exec", text)
    assert said.strip() == "QEMU MPS2, Cortex-M3 usip/__init__.py bell"


def test_firmware_wants_a_tree(folder):
    boards("firmware", "QEMU_MPS2", folder, fails="no MicroPython tree with ports/qemu")
