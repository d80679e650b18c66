# usip port: UDP sockets of MicroPython, what all its ports with sockets share
# MIT licence; Copyright (c) 2026 the usip authors

import errno
import select
import socket
from asyncio import core

from usip.errors import UsageError

from .numeric import numeric

# Hard failures only. ENOMEM (Wi-Fi queue full), ETIMEDOUT (an ESP32's would-block), EHOSTUNREACH,
# ECONNREFUSED pass.
_HARD = (getattr(errno, "EBADF", 9),)
_PEEK = getattr(socket, "MSG_PEEK", 0)
_AGAIN = 100  # ms until a port that could not be opened is tried again
_LINK = 1500  # what a link carries in one piece; nearly every datagram is shorter


def _wait(sock):
    # A plain generator is a coroutine here; the only way to wait for a datagram without polling.
    queue = core._io_queue
    try:
        queue.queue_read(sock)
    except BaseException as e:
        # No memory, or Ctrl-C: asyncio has noted that somebody waits, and would refuse whoever asks
        # again, for ever. Or that was so before, and now it refuses.
        queue.map.pop(id(sock), None)
        if not isinstance(e, (OSError, AssertionError)):
            raise
        queue.queue_read(sock)
    yield


class Endpoint:
    """A bound UDP socket. `port` is where it is bound, `source` the address of the datagram that
    was read last.
    """

    def __init__(self, sock, port, bound=None):
        self.sock = sock
        self.port = port
        self.source = None
        self._bound = bound  # (family, address), as bind() wants it
        self._connected = False
        self._shut = False  # reopen() did not succeed yet
        self._asked = False  # it is for sound, and asked every 20 ms
        self._poll = None

    def readable(self):
        """Wait until there is something to read."""
        return core.sleep_ms(_AGAIN) if self._shut else _wait(self.sock)

    def readinto(self, buf):
        """Read one datagram: its length, None when there is none. Never blocks."""
        if self._shut:
            self._open()
        n = self._read(buf)
        if n == 0:
            # An empty datagram says nothing. But an ESP32 takes it for the end of a connection,
            # and from then on reads nothing else: anybody could deafen the phone with one.
            n = self._read(buf)
            if n == 0:
                self._shut = True
                self._open()
                return None
        return n

    def _read(self, buf):
        if self._connected:
            try:
                return self.sock.readinto(buf)
            except OSError:
                return None
        # recvfrom() would say "nothing" by an exception of 64 bytes.
        if self._poll:
            for _ in self._poll.ipoll(0):
                break
            else:
                return None
        # Not sock.readinto(): it reads on, datagram after datagram, until the buffer is full. And
        # recvfrom(n) allocates n bytes before it looks, which a heap with holes may not have: so
        # a peek, and the size that there is room for. Before 1.26 the boards' sockets have no
        # flags. One that turns out longer is given up: it counts as cut, and will come again.
        recv = self.sock.recvfrom
        size = len(buf)
        n = min(size, _LINK)
        try:
            while True:
                try:
                    data, self.source = recv(n, _PEEK) if _PEEK else recv(n)
                    break
                except MemoryError:
                    n -= n // 4
                    if n < 150:
                        raise
            cut = len(data) == n < size
            if cut and n == _LINK and _PEEK:
                try:
                    data = recv(size)[0]
                    cut = False
                except MemoryError:
                    recv(1)
            elif _PEEK:
                recv(1)
        except OSError:
            return None
        if cut:
            return size
        n = len(data)
        buf[:n] = data
        return n

    def sendto(self, data, address):
        """True, or False when the socket is gone. What a busy network loses is lost."""
        try:
            self.sock.sendto(data, address)
        except OSError as e:
            return self._shut or e.errno not in _HARD
        return True

    def connect(self, address):
        """From now on only datagrams from `address` are read, and reading allocates nothing. But
        what is shorter than the buffer is followed by the next one if that has come."""
        self.sock.connect(address)
        self.source = address
        self._connected = True

    def reopen(self):
        """Be heard by everybody again: a new socket on the same port, at the latest when it has
        become free."""
        self._connected = False
        self._shut = True
        self._asked = True
        self._open()

    def _open(self):
        # Closed first: there is one such port, and sockets are few.
        self.sock.close()
        try:
            self.sock = socket.socket(self._bound[0], socket.SOCK_DGRAM)
            self.sock.setblocking(False)
            self.sock.bind(self._bound[1])
            if self._asked:
                self._poll = select.poll()
                self._poll.register(self.sock, select.POLLIN)
            if self._connected:
                self.sock.connect(self.source)
        except OSError:
            self.sock.close()
            return
        self._shut = False

    def close(self):
        self.sock.close()


class Net:
    """Sockets of this board. `host` is our own address (text), asked for again when the network
    comes back.
    """

    def __init__(self, host=None):
        self.host = host
        self._family = socket.AF_INET  # of the sockets: what names are resolved to

    def udp(self, host=None, port=0):
        """A bound, non-blocking UDP Endpoint. OSError when the port is taken. Boards cannot ask for
        a port of their own choice's name (no getsockname), so port 0 tries some.
        """
        host = host or "0.0.0.0"
        tries = (port,) if port else range(20002, 20802, 2)
        for p in tries:
            ai = socket.getaddrinfo(host, p)[0]
            self._family = ai[0]
            sock = socket.socket(ai[0], socket.SOCK_DGRAM)
            try:
                sock.setblocking(False)
                sock.bind(ai[-1])
                return Endpoint(sock, p, (ai[0], ai[-1]))
            except OSError:
                sock.close()
                if p == tries[-1]:
                    raise

    def resolve(self, host, port):
        """The address for sendto of (host: bytes, port), None when it is none of our family, or a
        name: who gives one waits for `look` first."""
        try:
            return self._look(host, port) if numeric(host) else None
        except (OSError, IndexError):
            return None

    def _look(self, host, port):
        for ai in socket.getaddrinfo(str(host, "utf-8"), port):
            if ai[0] == self._family:
                return ai[-1]

    async def look(self, host):
        """The address (bytes) that a name stands for, None when it is unknown. It blocks, on most
        boards for seconds when there is no answer: not in a call."""
        try:
            a = self._look(host, 0)
        except (OSError, UnicodeError, IndexError):
            return None
        return a and self.readable_address(a)[0]

    def readable_address(self, address):
        """(host: bytes, port) of an address."""
        if isinstance(address, tuple):
            return address[0].encode(), address[1]
        a = socket.sockaddr(address)
        ip = a[1]
        if len(ip) == 4:
            return b"%d.%d.%d.%d" % tuple(ip), a[2]
        return b":".join([b"%x" % (ip[i] << 8 | ip[i + 1]) for i in range(0, 16, 2)]), a[2]

    def local_for(self, address, bound=None):
        """Our own host address as seen from `address`. A board cannot ask: Wi-Fi tells
        `host`, where there is another network the phone's `bind` does."""
        host = bound or self.host
        if not host:
            if self.readable_address(address)[0][:4] != b"127.":
                raise UsageError("our own address is not known: bind=(address, port)")
            host = "127.0.0.1"
        return host.encode()
