# usip port for MicroPython's unix port: what its sockets cannot tell, Linux can
# MIT licence; Copyright (c) 2026 the usip authors

import socket
from binascii import unhexlify

from usip_micropython import net as _net


class Net(_net.Net):
    """Sockets of this machine. There is no getsockname: our address is read from the kernel's table
    of sockets.
    """

    def local_for(self, address, bound=None):
        bound = bound or self.host
        if bound and bound not in ("0.0.0.0", "::"):
            return bound.encode()
        af, ip, port = socket.sockaddr(address)[:3]
        sock = socket.socket(af, socket.SOCK_DGRAM)
        try:
            sock.connect(address)
            return _local(ip, port) or b"127.0.0.1"
        except OSError:
            return b"127.0.0.1"
        finally:
            sock.close()


def _local(ip, port):
    # /proc/net/udp: "sl: local:port remote:port ..."; an address is words of 32 bits in this
    # machine's (little) order.
    want = "%s:%04X" % (_hex(ip), port)
    with open("/proc/net/udp6" if len(ip) == 16 else "/proc/net/udp") as f:
        f.readline()
        while True:
            line = f.readline()
            if not line:
                return None
            p = line.split()
            if p[2] == want:
                b = _swap(unhexlify(p[1].split(":")[0]))
                if len(b) == 4:
                    return b"%d.%d.%d.%d" % tuple(b)
                return b":".join([b"%x" % (b[i] << 8 | b[i + 1]) for i in range(0, 16, 2)])


def _swap(b):
    return b"".join([bytes((b[i + 3], b[i + 2], b[i + 1], b[i])) for i in range(0, len(b), 4)])


def _hex(ip):
    return "".join(["%02X" % c for c in _swap(ip)])
