"""MicroPython's `socket` as ESP32, RP2 and unix have it, in memory. install() puts it in its place.

Each quirk of the real ones is a name in `faults`. MicroPython only: asyncio waits for these sockets
as for the boards' own, by their ioctl().
"""

import asyncio
import io
import struct
import sys

from fakenet import Random

# packed           addresses are bytes, a tuple is a TypeError (unix)
# no-flags         recvfrom() takes no flags (boards before 1.26)
# empty-datagram   one of 0 bytes marks the socket as closed: it reads 0 bytes for ever (ESP32)
# queue-4          four datagrams wait, the others are lost (lwIP since 1.26)
# queue-1          one waits (lwIP before)
# enomem           every fifth sendto() finds Wi-Fi's queue full
# would-block      every seventh sendto() would block, and says so in the words of one port after
#                  another; so does a read when there is nothing
# few-sockets      there are four UDP sockets (RP2)
# port-lingers     a closed socket's port is free only the third time that it is asked for
faults = set()

AF_INET = 2
SOCK_DGRAM = 2
_BUSY = (11, 115, 116, 118, 119, -110)  # EAGAIN, EINPROGRESS, ETIMEDOUT, an ESP32's own, lwIP's

MSG_PEEK = _PEEK = 2


class World:
    """What lies between the sockets; `random` loses nothing unless asked."""

    def __init__(self):
        self.sockets = {}  # (ip, port) -> socket
        self.used = set()  # where there was one
        self.lost = 0  # queues were full
        self.sent = self.refused = self.reads = self.binds = 0
        self.random = Random(1)

    def carry(self, source, to, data):
        s = self.sockets.get(to)
        if not s:
            return
        most = 1 if "queue-1" in faults else 4 if "queue-4" in faults else 64
        if len(s.queue) >= most:
            self.lost += 1
        elif s.peer in (None, source):
            s.queue.append((data, source))


world = World()


def fresh(*names):
    global world
    world = World()
    faults.clear()
    for n in names:
        faults.add(n)


def sockaddr(packed):
    family, port = struct.unpack_from("<H", packed)[0], packed[2] << 8 | packed[3]
    return family, packed[4:8], port


def _pack(ip, port):
    if "packed" not in faults:
        return ip, port
    return struct.pack("<H", 2) + struct.pack(">H", port) + bytes([int(x) for x in ip.split(".")])


def _unpack(address):
    if "packed" not in faults:
        ip, port = address  # a tuple, nothing else
        assert isinstance(ip, str)
        return ip, port
    if not isinstance(address, bytes):
        raise TypeError("object with buffer protocol required")
    _, ip, port = sockaddr(address)
    return "%d.%d.%d.%d" % tuple(ip), port


def getaddrinfo(host, port, *more):
    assert len(more) == 0  # a board warns of the constraints, or gets them wrong
    if not all([x.isdigit() for x in host.split(".")]):
        raise OSError(-2)
    return [(AF_INET, 1, 0, "", _pack(host, port))]


class socket(io.IOBase):
    def __init__(self, family=2, type=1, proto=0):
        assert type == SOCK_DGRAM
        if "few-sockets" in faults and len(world.sockets) >= 4:
            raise OSError(12)
        self.queue = []
        self.here = self.peer = None
        self.deaf = self.closed = False

    def setblocking(self, on):
        assert not on

    def bind(self, address):
        here = _unpack(address)
        world.binds += 1
        lingers = "port-lingers" in faults and here in world.used and world.binds % 3
        if here in world.sockets or lingers:
            raise OSError(98)
        world.used.add(here)
        self.here = here
        world.sockets[here] = self

    def connect(self, address):
        self.peer = _unpack(address)
        # As lwIP does; what was queued stays.
        self.deaf = False

    def close(self):
        self.closed = True
        if world.sockets.get(self.here) is self:
            del world.sockets[self.here]

    def ioctl(self, request, flags):
        if request != 3:
            return -22
        if self.closed:
            return 0x20
        return flags & (5 if self.queue or self.deaf else 4)

    # --- reading ---

    def _next(self, flags=0):
        # (data, source), or None when there is none.
        world.reads += 1
        if self.closed:
            raise OSError(9)
        if self.here is None:
            raise OSError(128)  # ENOTCONN: an ESP32's unbound socket
        if self.deaf:
            return b"", ("0.0.0.0", 0)
        if not self.queue:
            return None
        item = self.queue[0] if flags & _PEEK else self.queue.pop(0)
        if not item[0] and "empty-datagram" in faults:
            self.deaf = True
        return item

    def recvfrom(self, n, flags=0):
        if flags and "no-flags" in faults:
            raise TypeError("function expected 2 arguments, got 3")
        bytearray(n)  # it allocates as much before it looks
        item = self._next(flags)
        if not item:
            busy = world.reads % len(_BUSY) if "would-block" in faults else 0
            raise OSError(_BUSY[busy])
        return item[0][:n], _pack(*item[1])

    def recv(self, n, flags=0):
        return self.recvfrom(n, flags)[0]

    def readinto(self, buf, n=None):
        # A stream's: it reads on, datagram after datagram, until the buffer is full.
        size = len(buf) if n is None else n
        at = 0
        while at < size:
            item = self._next()
            if item is None:
                return at or None
            data = item[0][: size - at]
            if not data:
                break
            buf[at : at + len(data)] = data
            at += len(data)
        return at

    # --- sending ---

    def sendto(self, data, address):
        if self.closed:
            raise OSError(9)
        to = _unpack(address)
        world.sent += 1
        if "enomem" in faults and world.sent % 5 == 0:
            world.refused += 1
            raise OSError(12)
        if "would-block" in faults and world.sent % 7 == 0:
            world.refused += 1
            raise OSError(_BUSY[world.sent // 7 % len(_BUSY)])
        world.carry(self.here, to, bytes(data))
        return len(data)


class _Select:
    """`select` for asyncio: the real poll() takes a millisecond of real time for such sockets."""

    POLLIN = 1
    POLLOUT = 4

    def poll(self):
        return _Poll()


class _Poll:
    def __init__(self):
        self.of = {}

    def register(self, s, events):
        self.of[id(s)] = s, events

    modify = register

    def unregister(self, s):
        del self.of[id(s)]

    def ipoll(self, dt):
        for s, events in list(self.of.values()):
            found = s.ioctl(3, events)
            if found:
                yield s, found


def install():
    """Fresh, with the flags that this port's release has; whoever imported it before does so
    again."""
    me = sys.modules[__name__]
    if "no-flags" in faults:
        if hasattr(me, "MSG_PEEK"):
            del me.MSG_PEEK
    else:
        me.MSG_PEEK = 2
    sys.modules["socket"] = me
    asyncio.core.select = _Select()
    for name in ("usip_micropython.net",):
        if name in sys.modules:
            del sys.modules[name]
