# usip port for QEMU: UDP over the emulated network card
# MIT licence; Copyright (c) 2026 the usip authors
#
# The other end of the cable is tools/runtimes/qemu.py. It has no address of its own, asks for none
# (no ARP) and opens a socket of this machine for every one that is opened here.

import io
import struct
import sys
from asyncio import core

if "mps2" in sys.implementation._machine:
    from . import _lan9118_viper as _card
else:
    from . import _virtio_viper as _card

_HOST_MAC = b"\x02usipH"
_MOST = 1472  # what one frame carries
_WAITING = 16  # datagrams of one socket that nobody has read yet
_POLL = 3  # ioctl: is there something to read?

_mac = None
_rx = bytearray(1600)
_tx = bytearray(1600)
_tx_view = memoryview(_tx)  # a bytearray takes three times as long to copy a slice into it
_known = {}  # addresses as text -> bytes; the same few are asked for with every datagram
_open = {}  # (address, port) -> Endpoint


def _ip(host):
    """The 4 bytes of a numeric address, None when it is none."""
    ip = _known.get(host)
    if ip is None:
        parts = ("127.0.0.1" if host == "localhost" else host).split(".")
        if len(parts) != 4 or not all([p.isdigit() and int(p) < 256 for p in parts]):
            return None
        if len(_known) > 15:
            _known.clear()
        ip = _known[host] = bytes([int(p) for p in parts])
    return ip


def _start():
    global _mac
    if _mac is None:
        _mac = _card.start()
        _tx[0:6] = _HOST_MAC
        _tx[6:12] = _mac


def _send(me, port, ip, to, data):
    n = len(data)
    _tx[12:26] = b"\x08\x00\x45\x00\x00\x00\x00\x00\x00\x00\x40\x11\x00\x00"
    struct.pack_into("!H", _tx, 16, 28 + n)
    _tx[26:30] = me
    _tx[30:34] = ip
    total = 0
    for i in range(14, 34, 2):
        total += _tx[i] << 8 | _tx[i + 1]
    total = (total >> 16) + (total & 0xFFFF)
    struct.pack_into("!H", _tx, 24, ~((total >> 16) + total) & 0xFFFF)
    struct.pack_into("!HHHH", _tx, 34, port, to, 8 + n, 0)
    _tx_view[42 : 42 + n] = data
    _card.send(_tx, 42 + n)


def _poll():
    """Give what came in to the sockets that it is for; not all of a burst at once: what stays in
    the card is not lost, and takes no heap."""
    for _ in range(_WAITING // 2):
        n = _card.recv(_rx)
        if not n:
            return
        if n < 42 or _rx[12] != 8 or _rx[13] or _rx[23] != 17:
            continue
        source, port, size = struct.unpack_from("!HHH", _rx, 34)
        e = _open.get((bytes(_rx[30:34]), port))
        if e and len(e.inbox) < _WAITING and 8 <= size <= n - 34:
            ip = "%d.%d.%d.%d" % (_rx[26], _rx[27], _rx[28], _rx[29])
            e.inbox.append((bytes(memoryview(_rx)[42 : 34 + size]), (ip, source)))


def _wait(endpoint):
    # A plain generator is a coroutine here; the only way to wait for a datagram without polling.
    yield core._io_queue.queue_read(endpoint)


class Endpoint(io.IOBase):
    """A bound UDP socket. `port` is where it is bound, `source` the address of the datagram that
    was read last.
    """

    def __init__(self, ip, port):
        self.ip = ip
        self.port = port
        self.source = None
        self.inbox = []
        _open[(ip, port)] = self
        # So that the other end opens it too.
        _send(ip, port, b"\xff\xff\xff\xff", 9, b"")

    def ioctl(self, request, flags):
        if request != _POLL:
            return 0
        if not self.inbox:
            _poll()
        return flags & (5 if self.inbox else 4)

    def readable(self):
        """Wait until there is something to read."""
        return _wait(self)

    def readinto(self, buf):
        """Read one datagram: its length, None when there is none. Never blocks."""
        if not self.inbox:
            _poll()
            if not self.inbox:
                return None
        data, self.source = self.inbox.pop(0)
        n = min(len(data), len(buf))
        buf[:n] = data[:n] if n < len(data) else data
        return n

    def sendto(self, data, address):
        """True, or False when the socket is gone. What a busy network loses is lost."""
        ip = _ip(address[0])
        if ip and len(data) <= _MOST:
            _send(self.ip, self.port, ip, address[1], data)
        return True

    def close(self):
        _open.pop((self.ip, self.port), None)


class Net:
    """Sockets of this board. `host` is our own address (text); any of the emulating machine's."""

    def __init__(self, host="127.0.0.1"):
        self.host = host

    def udp(self, host=None, port=0):
        """A bound Endpoint. OSError when the port is taken."""
        ip = _ip(self._own(host))
        if ip is None:
            raise OSError(22)
        _start()
        for p in (port,) if port else range(20002, 20802, 2):
            if (ip, p) not in _open:
                return Endpoint(ip, p)
        raise OSError(98)

    def _own(self, host):
        return host if host and host != "0.0.0.0" else self.host

    def resolve(self, host, port):
        """The address for sendto of (host: bytes, port), None when it is no number: there is no one
        to ask for names.
        """
        text = str(host, "utf-8")
        return (text, port) if _ip(text) else None

    async def look(self, host):
        return None

    def readable_address(self, address):
        """(host: bytes, port) of an address."""
        return address[0].encode(), address[1]

    def local_for(self, address, bound=None):
        """Our own host address as seen from `address`."""
        return self._own(bound).encode()
