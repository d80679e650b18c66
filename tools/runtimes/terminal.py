"""A board that QEMU emulates, with its UART for mpremote and other terminals.

tools/run starts it: terminal.py JSON. It runs until SIGTERM or Ctrl-C, or until its time is over.
The UART is a TCP port, or a pseudo terminal of this machine, which mpremote is four times as fast
with: it need not look for each byte.
"""

import json
import os
import selectors
import signal
import socket
import sys
import time
import tty

from qemu import Failed, Machine


class Port(Machine):
    """`listening` is the socket that QEMU takes connections at, one at a time."""

    def __init__(self, what, listening):
        uart = f"socket,id=uart,fd={listening.fileno()},server=on,wait=off,nodelay=on"
        super().__init__(what, ["-chardev", uart, "-serial", "chardev:uart"], (listening,))


class Terminal(Machine):
    """`name` is the device to open."""

    def __init__(self, what):
        self.master, self.slave = os.openpty()  # the slave stays open: it is there when nobody is
        tty.setraw(self.slave)
        os.set_blocking(self.master, False)
        self.name = os.ttyname(self.slave)
        self.uart, uart = socket.socketpair()
        chardev = f"socket,id=uart,fd={uart.fileno()}"
        super().__init__(what, ["-chardev", chardev, "-serial", "chardev:uart"], (uart,))
        self.selector.register(self.uart, selectors.EVENT_READ, self.from_board)
        self.selector.register(self.master, selectors.EVENT_READ, self.to_board)

    def from_board(self):
        data = self.uart.recv(4096)
        if not data:
            raise Failed("the emulator ended")
        try:
            os.write(self.master, data)
        except BlockingIOError:
            pass  # nobody reads: a UART has nobody wait either

    def to_board(self):
        self.uart.sendall(os.read(self.master, 4096))


def switch_on(what):
    """(the board, what mpremote connects to)"""
    if what["serial"] == "pty":
        board = Terminal(what)
        return board, board.name
    host, _, port = what["serial"].rpartition(":")
    listening = socket.create_server((host, int(port)), backlog=1)
    host, port = listening.getsockname()
    return Port(what, listening), f"socket://{host}:{port}"


def main(args):
    what = json.loads(args[0])
    end = time.monotonic() + what["timeout"]
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: sys.exit(0))
    board, device = switch_on(what)
    with board:
        print(f"mpremote connect {device}", flush=True)
        while board.process.poll() is None:
            if time.monotonic() >= end:
                print(f"{what['target']}: ended after {what['timeout']} s", file=sys.stderr)
                return 124
            # the network's traffic; now and then, whether the emulator is still there
            board.turn(time.monotonic() + 0.5)
        raise Failed(f"the emulator ended: {board.process.returncode}")


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except (Failed, OSError, ValueError) as error:
        print(f"tools/run: {error}", file=sys.stderr)
        sys.exit(125)
