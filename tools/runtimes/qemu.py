"""Run a program on a board that QEMU emulates; tools/run starts it: qemu.py JSON ARGS...

The board sees the compiled modules as a read-only file system in its memory, runs the program from
the raw REPL and prints to its UART, which is our output; all other files are this machine's. Its
network card is a socket to this process, which carries UDP between it and this machine: the board's
sockets have addresses of this machine (127.x.y.z too), nothing is translated, no bridge and no root
is wanted.

Exit status: the program's own; 124 when its time was over, 125 when the board did not start.
"""

import contextlib
import ctypes
import json
import os
import selectors
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time

# Machine options, and where in its memory the modules lie: in what the firmware does not use.
MACHINES = {
    "arm": (["-machine", "mps2-an385"], 0x21000000, "lan9118"),
    "rv32": (["-machine", "virt", "-bios", "none"], 0x86000000, "virtio-net-device"),
}
MARK = b"\x04\x00exit "  # no program prints this by chance
BOOT_S = 15
VIRTUAL = "shift=3,sleep=off"  # 8 ns an instruction; a sleeping processor's time passes at once
COUNTED = "shift=10"  # 1024 ns: many ticks of the clock, which so counts instructions


class Failed(Exception):
    """The board did not do what it should; the text says what."""


# ----------------------------------------------------------------------------- its file system


def _varuint(n):
    out = bytes([n & 127])
    while n > 127:
        n >>= 7
        out = bytes([n & 127 | 128]) + out
    return out


def _record(kind, payload):
    return _varuint(kind) + _varuint(len(payload)) + payload


def rom(files):
    """A ROMFS of {name: bytes}; what MicroPython imports from one it does not copy to its heap."""
    body = b""
    for name in sorted(files):
        text = name.encode()
        body += _record(5, _varuint(len(text)) + text + _record(2, files[name]))
    size = _varuint(len(body))
    odd = (3 + len(size) + len(body)) % 2
    return b"\xd2\xcd\x31" + b"\x80" * odd + size + body


def modules(folders, main):
    """The compiled modules of these folders; the first that has a name wins."""
    files = {}
    for folder in folders:
        with os.scandir(folder) as entries:
            for entry in entries:
                if entry.name.endswith(".mpy") and entry.name not in files:
                    with open(entry.path, "rb") as f:
                        files[entry.name] = f.read()
    with open(main, "rb") as f:
        files["__start__.mpy"] = f.read()
    return files


def script(address, size, argv, function, files):
    """What the raw REPL gets: the modules on the path, the program, and its exit status."""
    files = "import usip_qemu.files;usip_qemu.files.mount();del usip_qemu" if files else ""
    call = f"_=sys.modules['__start__'].{function}(sys.argv[1:])" if function else "pass"
    return f"""\
import sys,vfs,uctypes
vfs.mount(vfs.VfsRom(uctypes.bytearray_at({address},{size})),'/rom')
sys.path[:]=['/rom','.frozen']
sys.argv[:]={argv!a}
del vfs,uctypes
{files}
_=0
try:
 __import__('__start__')
 {call}
except SystemExit as e:
 _=e.args[0] if e.args else 0
except BaseException as e:
 sys.print_exception(e);_=1
print({MARK.decode()!a}+str(_))
"""


# ------------------------------------------------------------------------------------- network


class Bridge:
    """UDP between the board's network card and this machine's sockets.

    A socket is made here when the board opens one, which it tells with an empty datagram to
    255.255.255.255, port 9. Frames have their length before them: that is QEMU's stream protocol.
    """

    MAC = b"\x02usipH"

    def __init__(self, link, selector):
        self.link = link
        self.selector = selector
        self.pending = b""
        self.sockets = {}
        selector.register(link, selectors.EVENT_READ, self.from_board)

    def from_board(self):
        try:
            data = self.link.recv(65536)
        except OSError:
            data = b""
        if not data:
            self.selector.unregister(self.link)
            return
        data = self.pending + data
        at = 0
        while at + 4 <= len(data):
            (size,) = struct.unpack_from("!I", data, at)
            if at + 4 + size > len(data):
                break
            self.frame(data[at + 4 : at + 4 + size])
            at += 4 + size
        self.pending = data[at:]

    def frame(self, frame):
        if frame[12:14] != b"\x08\x00" or frame[23] != 17:
            return
        self.mac = frame[6:12]
        start = 14 + 4 * (frame[14] & 15)
        source, target, size = struct.unpack_from("!HHH", frame, start)
        key = frame[26:30], source
        there = socket.inet_ntoa(frame[30:34]), target
        sock = self.sockets.get(key) or self.open(key)
        if sock and there != ("255.255.255.255", 9):
            # What the network does not take is lost, as everywhere.
            with contextlib.suppress(OSError):
                sock.sendto(frame[start + 8 : start + size], there)

    def open(self, key):
        sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            sock.bind((socket.inet_ntoa(key[0]), key[1]))
        except OSError as error:
            print(f"qemu: {socket.inet_ntoa(key[0])}:{key[1]}: {error}", file=sys.stderr)
            sock.close()
            return None
        sock.setblocking(False)
        self.sockets[key] = sock
        self.selector.register(sock, selectors.EVENT_READ, lambda: self.to_board(sock, key))
        return sock

    def to_board(self, sock, key):
        try:
            data, (ip, port) = sock.recvfrom(65536)
        except OSError:  # an ICMP of a peer that is gone
            return
        if len(data) > 1472:
            return  # it takes no fragments
        size = 28 + len(data)
        head = struct.pack(
            *("!BBHHHBBH4s4s", 0x45, 0, size, 0, 0, 64, 17, 0, socket.inet_aton(ip), key[0])
        )
        head = head[:10] + struct.pack("!H", _checksum(head)) + head[12:]
        udp = struct.pack("!HHHH", port, key[1], size - 20, 0)
        frame = (self.mac + self.MAC + b"\x08\x00" + head + udp + data).ljust(60, b"\0")
        # A board that is ended meanwhile does not listen.
        with contextlib.suppress(OSError):
            self.link.sendall(struct.pack("!I", len(frame)) + frame)


def _checksum(head):
    total = sum(struct.unpack("!10H", head))
    total = (total >> 16) + (total & 0xFFFF)
    return ~((total >> 16) + total) & 0xFFFF


# --------------------------------------------------------------------------------------- board


def _die_with_parent():
    # An emulator does not notice that nobody listens to it any more.
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)


class Machine:
    """An emulator with its network; exit it (with) to switch it off.

    `options` are more arguments for it, `theirs` the sockets named there, which become its own.
    """

    def __init__(self, what, options, theirs):
        kind = what["target"].split("-")[1]
        machine, _, card = MACHINES[kind]
        self.selector = selectors.DefaultSelector()
        argv = [what["emulator"], *machine, "-display", "none", "-semihosting"]
        argv += ["-kernel", what["elf"], *options]
        ours, link = socket.socketpair()
        Bridge(ours, self.selector)
        if kind == "arm":
            argv += ["-nic", f"socket,model={card},fd={link.fileno()}"]
        else:
            argv += ["-netdev", f"socket,id=n0,fd={link.fileno()}"]
            argv += ["-device", f"{card},netdev=n0"]
        self.process = subprocess.Popen(
            argv,
            stdin=subprocess.DEVNULL,
            pass_fds=[x.fileno() for x in (*theirs, link)],
            preexec_fn=_die_with_parent,
            start_new_session=True,  # Ctrl-C at the terminal is for the program on the board
        )
        for end in (*theirs, link):
            end.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.end()

    def end(self):
        self.process.kill()
        self.process.wait()

    def turn(self, end):
        """Wait for whatever comes next and serve it."""
        left = end - time.monotonic()
        if left <= 0:
            raise TimeoutError
        for key, _ in self.selector.select(left):
            key.data()


class Board(Machine):
    """A board that is switched on and has said >>>; a program is run on it."""

    def __init__(self, what):
        address = MACHINES[what["target"].split("-")[1]][1]
        self.uart, uart = socket.socketpair()
        self.monitor, monitor = socket.socketpair()
        self.heard = b""
        self.function = what.get("function")
        self.own = not what["target"].endswith("-stock")
        image = rom(modules(what["folders"], what["main"]))
        self.rom = (address, len(image))
        argv = []
        for name, end in (("uart", uart), ("monitor", monitor)):
            argv += ["-chardev", f"socket,id={name},fd={end.fileno()}"]
        argv += ["-serial", "chardev:uart", "-mon", "chardev=monitor,mode=readline"]
        if what.get("virtual") or what.get("counted"):
            argv += ["-icount", VIRTUAL if what.get("virtual") else COUNTED]
        with tempfile.NamedTemporaryFile(suffix=".romfs") as file:
            file.write(image)
            file.flush()
            argv += ["-device", f"loader,file={file.name},addr={address:#x},force-raw=on"]
            super().__init__(what, argv, (uart, monitor))
            try:
                self.selector.register(self.uart, selectors.EVENT_READ, self.from_board)
                self.until(b">>> ", time.monotonic() + BOOT_S)
            except BaseException:
                self.end()
                raise

    def from_board(self):
        try:
            data = self.uart.recv(65536)
        except ConnectionError:
            data = b""
        if not data:
            raise Failed(f"the emulator ended: {self.heard[-300:].decode(errors='replace')}")
        self.heard += data

    def until(self, text, end):
        while text not in self.heard:
            try:
                self.turn(end)
            except TimeoutError:
                said = self.heard[-300:].decode(errors="replace")
                raise Failed(f"it did not say {text!r} but {said!r}")
        before, _, self.heard = self.heard.partition(text)
        return before

    def run(self, argv, end, out):
        """Run the program; its exit status. TimeoutError when it has not ended by then."""
        self.uart.sendall(b"\x01")
        limit = time.monotonic() + BOOT_S
        while True:
            try:
                self.until(b"raw REPL; CTRL-B to exit\r\n>", time.monotonic() + 0.05)
                break
            except Failed:
                if time.monotonic() > limit:
                    raise
                # QEMU may have looked for the last time before the board was ready to receive,
                # and a board without timers wakes it never: so do we, with an empty command.
                self.monitor.sendall(b"\n")
        self.uart.sendall(script(*self.rom, argv, self.function, self.own).encode() + b"\x04")
        self.until(b"OK", time.monotonic() + BOOT_S)
        while True:
            # \x04 is the end: our mark, or the raw REPL's own when the script broke off.
            text, four, rest = self.heard.partition(b"\x04")
            keep = 1 if text[-1:] == b"\r" and not four else 0
            _write(out, text[: len(text) - keep])
            self.heard = text[len(text) - keep :] + four + rest
            status, _, _ = rest.partition(b"\x04")
            if len(status) < len(rest):
                return self.status(status.decode(errors="replace"), out)
            self.turn(end)

    def status(self, said, out):
        if not said.startswith(MARK[1:].decode()):
            raise Failed(said)
        said = said[len(MARK) - 1 :].strip()
        if said.isdigit():
            return int(said) & 255
        if said != "None":
            _write(out, said.encode() + b"\n")  # sys.exit("why")
        return 0 if said == "None" else 1


def _write(out, text):
    out.write(text.replace(b"\r\n", b"\n"))
    out.flush()


def main(args):
    what = json.loads(args[0])
    name = what["target"]
    board = None
    interrupted = 0

    def interrupt(*_):
        # Ctrl-C is the program's; the second one is ours. A stock board does not hear it.
        nonlocal interrupted
        interrupted += 1
        if interrupted > 1 or board is None or name.endswith("-stock"):
            raise SystemExit(130)
        board.uart.sendall(b"\x03")

    def terminate(*_):
        raise SystemExit(143)

    signal.signal(signal.SIGINT, interrupt)
    signal.signal(signal.SIGTERM, terminate)
    try:
        with Board(what) as board:
            return board.run(args[1:], time.monotonic() + what["timeout"], sys.stdout.buffer)
    except TimeoutError:
        print(f"{name}: ended after {what['timeout']} s", file=sys.stderr)
        return 124
    except Failed as error:
        print(f"{name}: {error}", file=sys.stderr)
        return 125


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
