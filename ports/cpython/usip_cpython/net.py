# usip port for CPython: UDP sockets that wake on data
# MIT licence; Copyright (c) 2026 the usip authors

import asyncio
import errno
import socket

# The send failed, the socket is fine: a full queue, no route for the moment, the peer's ICMP.
# Retransmission handles it.
_HARD = (errno.EBADF, errno.ENOTSOCK, errno.EPIPE)


class Endpoint:
    """A bound UDP socket. `port` is where it is bound, `source` the address of the datagram that
    was read last.
    """

    def __init__(self, sock):
        self.sock = sock
        self.port = sock.getsockname()[1]
        self.source = None
        self._event = asyncio.Event()
        self._loop = None

    async def readable(self):
        """Wait until there is something to read."""
        if self._loop is None:
            self._loop = asyncio.get_running_loop()
            self._loop.add_reader(self.sock.fileno(), self._event.set)
        await self._event.wait()
        self._event.clear()

    def readinto(self, buf):
        """Read one datagram: its length, None when there is none. Never blocks."""
        try:
            n, self.source = self.sock.recvfrom_into(buf)
        except OSError:
            return None  # nothing there, or the ICMP answer to something that we sent
        return n

    def sendto(self, data, address):
        """True, or False when the socket is gone. What a busy network loses is lost."""
        try:
            self.sock.sendto(data, address)
        except OSError as e:
            return e.errno not in _HARD
        except (TypeError, OverflowError):  # an address of the other family, or none at all
            return False
        return True

    def close(self):
        if self._loop:
            self._loop.remove_reader(self.sock.fileno())
        self.sock.close()


class Net:
    """Sockets of this machine. `host` is the address to bind to when the phone does not say."""

    def __init__(self, host=None):
        self.host = host
        self._family = socket.AF_INET  # of the sockets: what names are resolved to

    def udp(self, host=None, port=0):
        """A bound, non-blocking UDP Endpoint. OSError when the port is taken."""
        host = host or self.host or "0.0.0.0"
        self._family = socket.AF_INET6 if ":" in host else socket.AF_INET
        sock = socket.socket(self._family, socket.SOCK_DGRAM)
        try:
            sock.setblocking(False)
            sock.bind((host, port))
        except OSError:
            sock.close()
            raise
        return Endpoint(sock)

    def resolve(self, host, port):
        """The address for sendto of (host: bytes, port), None when it is none of our family, or a
        name: who gives one waits for `look` first."""
        try:
            text = host.decode()
            socket.inet_pton(self._family, text)
        except (OSError, ValueError):
            return None
        return (text, port) if self._family == socket.AF_INET else (text, port, 0, 0)

    def _look(self, host):
        a = socket.getaddrinfo(host.decode(), 0, family=self._family, type=socket.SOCK_DGRAM)
        return a[0][4][0].encode()

    async def look(self, host):
        """The address (bytes) that a name stands for, None when it is unknown. Stops nothing else
        meanwhile."""
        loop = asyncio.get_running_loop()
        try:
            return await loop.run_in_executor(None, self._look, host)
        except (OSError, UnicodeError):
            return None

    def readable_address(self, address):
        """(host: bytes, port) of an address."""
        return address[0].encode(), address[1]

    def local_for(self, address, bound=None):
        """Our own host address as seen from `address`."""
        bound = bound or self.host
        if bound and bound not in ("0.0.0.0", "::"):
            return bound.encode()
        with socket.socket(
            socket.AF_INET6 if ":" in address[0] else socket.AF_INET, socket.SOCK_DGRAM
        ) as s:
            try:
                s.connect(address)
                return s.getsockname()[0].encode()
            except OSError:
                return b"127.0.0.1"
