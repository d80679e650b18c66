"""usip on a board as a user puts it there: mpremote copies .mpy files to the disk of a board whose
firmware knows nothing of usip; after a reset it registers and can be called.
"""

import importlib.util
import os
import re
import select
import subprocess
import sys
import time

import pytest

import runner

sys.path += [os.path.join(runner.ROOT, "tools"), os.path.join(runner.ROOT, "tests", "interop")]

import rig as rigs  # noqa: E402  (found on the path made above)

import stage  # noqa: E402

SLOW = True
BOARDS = {"qemu-arm-flash": "armv7m", "qemu-rv32-flash": "rv32imc"}

MAIN = """\
import asyncio
import gc

import usip_qemu as board
from usip import Phone


async def main():
    how = {{"net": board.net, "bind": ("{ip}", 5060), "allow": "registrar,127.*"}}
    phone = Phone("sip:door@{registrar}", password="ding", **how)
    await phone.start()
    print("registered", await phone.registered(30000) or phone.explain())
    while True:
        call = await phone.incoming()
        call.answer()
        gc.collect()
        print("used", gc.mem_alloc(), "of", gc.mem_alloc() + gc.mem_free())


asyncio.run(main())
"""


class Lines(rigs.Speaker):
    """What a program prints; wait() takes the beginning of a line."""

    def _is(self, event, name):
        return event["event"].startswith(name)


class Terminal:
    """What the board prints; wait() takes a regular expression."""

    def __init__(self, device):
        self.fd = os.open(device, os.O_RDONLY | os.O_NOCTTY)
        self.heard = ""

    def wait(self, what, seconds=60):
        end = time.monotonic() + seconds
        while not re.search(what, self.heard):
            left = end - time.monotonic()
            ready, _, _ = select.select([self.fd], [], [], max(0, left))
            assert ready, f"the board did not say {what!r} but {self.heard[-1000:]!r}"
            self.heard += os.read(self.fd, 4096).decode(errors="replace")
        return re.search(what, self.heard).group()

    def kill(self):
        os.close(self.fd)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONUNBUFFERED", "1")  # a line is to be seen when it is printed
    return tmp_path


@pytest.fixture
def started():
    """Programs that are ended when the test is over."""
    programs = []
    yield lambda program: programs.append(program) or program
    for program in reversed(programs):
        program.kill()


def mpremote(device, *args, fails=False, seconds=60):
    """Run mpremote; what it printed."""
    if not importlib.util.find_spec("mpremote"):
        rigs.missing("mpremote is not installed (make test does it; pip install '.[dev]')")
    argv = [sys.executable, "-m", "mpremote", "connect", device, *map(str, args)]
    done = subprocess.run(
        argv,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=seconds,
    )
    print(done.stdout[-1000:])
    assert (done.returncode != 0) == fails, done.stdout[-1000:]
    return done.stdout


@pytest.mark.timeout(240)
@pytest.mark.parametrize("target", BOARDS)
def test_copied_to_a_board(folder, started, target):
    tree, _ = stage.stage(BOARDS[target], ("qemu", "host"), folder)
    try:
        argv, env = runner.serial(target, "pty", timeout=200)
    except runner.RunError as error:
        rigs.missing(str(error))
    board = started(rigs.Program(argv, folder, "board", env, limit=200, stdout=subprocess.PIPE))
    device = board.process.stdout.readline().decode().split()[-1]

    said = mpremote(device, "exec", "import usip", fails=True)
    assert "ImportError: no module named 'usip'" in said
    ip, registrar = rigs.addresses().take(), rigs.addresses().take()
    main = folder / "main.py"
    main.write_text(MAIN.format(ip=ip, registrar=registrar))
    mpremote(device, "fs", "cp", "-r", f"{tree}/.", ":lib/", "+", "cp", main, ":main.py")
    # What a terminal's Ctrl-D does: the disk is still there. main.py is not run by mpremote.
    where = "import usip; print(usip.__file__)"
    said = mpremote(device, "soft-reset", "exec", where)
    assert said.strip() == "/lib/usip/__init__.mpy"

    file = os.path.join(runner.ROOT, "examples", "registrar.py")
    args = [f"{registrar}:5060", "door:ding"]
    server = started(Lines(folder, "registrar", "cpython", file, args))
    server.wait("listening on")
    mpremote(device, "reset")  # the whole board; main.py runs
    terminal = started(Terminal(device))
    terminal.wait(r"registered True")
    server.wait("registered door")
    caller = started(
        rigs.Phone(folder, "caller", "cpython", "call", f"sip:door@{ip}", "--hangup-after", "0.5")
    )
    caller.wait("answered", seconds=20)
    caller.wait("ended", code=200, reason="HungUp", seconds=20)
    caller.finish()
    used = terminal.wait(r"used \d+ of \d+")
    print(f"{target}: {used} bytes of heap in a call")


def test_socket(folder, started):
    """The other way to a board's UART, as tools/run gives it to a user."""
    at = rigs.addresses().take() + ":0"
    argv = [os.path.join(runner.ROOT, "tools", "run"), "--serial", at, "qemu-arm-flash"]
    board = started(rigs.Program(argv, folder, "board", stdout=subprocess.PIPE))
    line = board.process.stdout.readline().decode()
    if not line:
        rigs.missing(board.said())
    device = line.split()[-1]
    assert device.startswith("socket://127.77.")
    assert mpremote(device, "exec", "print(6 * 7)").strip() == "42"
    board.signal()
    assert board.join(10) == 0
