"""A bad network: two network namespaces, and between them a relay that loses and mixes packets.

Started by netpair.py, as root. The namespaces have no names: each lives as long as this process or
one in it, so that nothing is left whoever is killed. Each has a TUN device whose other end is here.

    A  203.0.113.16-47  <=>  relay  <=>  B  203.0.113.64-95
    with a NAT: A has 192.168.77.16-47 and is seen as 203.0.113.1 and other ports

Orders are objects of JSON, one a line on stdin, each answered by a line on stdout; the first answer
comes unasked. When stdin ends, so does this process. What happened to SIP is told on stderr.

    {"ab": {"loss": 15, ...}, "ba": ...}   what happens to the packets of one direction, per cent:
        loss, dup; late (held back 30 ms, so that others overtake); delay, jitter in ms
    {"drop": 2, "way": "ab", "words": ["INVITE "]}   the first two that contain all words are lost
    {"rebind": true}   the NAT forgets its mappings and gets another address
    {}   only the counts, which are in every answer
"""

import ctypes
import fcntl
import heapq
import json
import os
import random
import selectors
import struct
import subprocess
import sys
import time

LIBC = ctypes.CDLL(None, use_errno=True)
CLONE_NEWNET = 0x40000000
TUNSETIFF, IFF_TUN, IFF_NO_PI = 0x400454CA, 0x0001, 0x1000
UDP = 17
LATE_MS = 30  # one packet of sound comes every 20 ms
PUBLIC = "203.0.113."
PRIVATE = "192.168.77."
# A prefix of one bit holds them all: every packet goes to the relay, and no route is wanted.
HOSTS = {"a": range(16, 48), "b": range(64, 96)}


def _do(name, *args):
    if getattr(LIBC, name)(*args):
        number = ctypes.get_errno()
        raise OSError(number, f"{name}: {os.strerror(number)}")


def namespace(ip, prefix, hosts):
    """A new network namespace and the other end of its TUN device: two file descriptors."""
    home = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
    _do("unshare", CLONE_NEWNET)
    try:
        ns = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
        tun = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
        fcntl.ioctl(tun, TUNSETIFF, struct.pack("16sH14x", b"net", IFF_TUN | IFF_NO_PI))
        lines = ["link set lo up", "link set net mtu 1500 up"]
        lines += [f"address add {prefix}{n}/1 dev net" for n in hosts]
        made = subprocess.run(
            [ip, "-batch", "-"],
            input="\n".join(lines) + "\n",
            capture_output=True,
            text=True,
            timeout=20,
        )
        if made.returncode:
            raise OSError(f"ip: {made.stderr.strip()}")
    finally:
        _do("setns", home, CLONE_NEWNET)
        os.close(home)
    return ns, tun


def ip_sum(header):
    """The checksum of an IPv4 header in which that field is zero."""
    total = sum(struct.unpack(f"!{len(header) // 2}H", header))
    total = (total & 0xFFFF) + (total >> 16)
    return ~(total + (total >> 16)) & 0xFFFF


class Packet:
    """A UDP datagram on IPv4."""

    def __init__(self, data):
        self.size = (data[0] & 15) * 4
        self.data = data
        self.source = (data[12:16], *struct.unpack("!H", data[self.size : self.size + 2]))
        self.target = (data[16:20], *struct.unpack("!H", data[self.size + 2 : self.size + 4]))
        self.payload = data[self.size + 8 :]

    @staticmethod
    def read(data):
        """None for what is no datagram, or a piece of one."""
        whole = len(data) >= 28 and not struct.unpack("!H", data[6:8])[0] & 0x3FFF
        return Packet(data) if data[:1] == b"\x45" and data[9] == UDP and whole else None

    def readdressed(self, source, target):
        head = bytearray(self.data[: self.size + 8])
        head[12:20] = source[0] + target[0]
        head[10:12] = bytes(2)
        head[10:12] = struct.pack("!H", ip_sum(head[: self.size]))
        struct.pack_into("!HH", head, self.size, source[1], target[1])
        head[-2:] = bytes(2)  # a UDP checksum of zero: none
        return Packet(bytes(head) + self.payload)


class Mapping:
    def __init__(self, inner, port):
        self.inner = inner
        self.port = port
        self.peers = {}  # whom the inner one sent to, and when


class Nat:
    """Endpoint-independent mapping, address and port-dependent filtering, refreshed by what goes
    out and by nothing else (RFC 4787 4.1, 5, 4.3): the common router at home, at its meanest."""

    def __init__(self, seed, lifetime):
        self._random = random.Random(f"{seed}-nat")
        self._lifetime = lifetime
        self._last = 0
        self.made = 0
        self.rebind()

    def rebind(self):
        self._last += 1
        self.address = bytes([203, 0, 113, self._last])
        self._mappings = []

    def _live(self, now):
        for m in self._mappings:
            m.peers = {p: t for p, t in m.peers.items() if now - t <= self._lifetime}
        self._mappings = [m for m in self._mappings if m.peers]
        return self._mappings

    def out(self, packet, now):
        for m in self._live(now):
            if m.inner == packet.source:
                break
        else:
            m = Mapping(packet.source, self._random.randrange(20000, 60000))
            self._mappings.append(m)
            self.made += 1
        m.peers[packet.target] = now
        return packet.readdressed((self.address, m.port), packet.target)

    def back(self, packet, now):
        """None for what nobody inside has asked for."""
        for m in self._live(now):
            if packet.target == (self.address, m.port) and packet.source in m.peers:
                return packet.readdressed(packet.source, m.inner)
        return None


class Relay:
    def __init__(self, tuns, seed, nat):
        self._tuns = tuns
        self._seed = seed
        self._randoms = {}
        self._rules = []
        self._queue = []
        self._count = 0
        self._began = time.monotonic()
        self.nat = nat
        self.impaired = {"ab": {}, "ba": {}}
        self.counts = {w: dict.fromkeys(("came", "lost", "twice", "late"), 0) for w in ("ab", "ba")}

    def order(self, what):
        for way in ("ab", "ba"):
            self.impaired[way] = what.get(way, self.impaired[way])
        if "drop" in what:
            words = [w.encode() for w in what["words"]]
            self._rules.append([what["way"], words, what["drop"], 0])
        if what.get("rebind"):
            self.nat.rebind()
        more = {"mappings": self.nat.made} if self.nat else {}
        return {**self.counts, "dropped": [r[3] for r in self._rules], **more}

    def _dice(self, way, packet):
        # Each stream has its own: what becomes of the third message does not depend on how many
        # packets of sound went before it.
        key = way, packet.source, packet.target
        if key not in self._randoms:
            self._randoms[key] = random.Random(f"{self._seed}-{key}")
        return self._randoms[key]

    def _dropped(self, way, packet):
        for rule in self._rules:
            wanted, words, most, n = rule
            if way == wanted and n < most and all(w in packet.payload for w in words):
                rule[3] += 1
                return True
        return False

    def take(self, way, data):
        packet = Packet.read(data)
        if not packet:  # of no concern here: what IPv6 says by itself, ICMP
            return
        how = self.impaired[way]
        dice = self._dice(way, packet)
        count = self.counts[way]
        count["came"] += 1
        # Always the same number of throws: one impairment does not change the others' luck.
        lost, twice, late, jitter = [dice.random() * 100 for _ in range(4)]
        if self._dropped(way, packet) or lost < how.get("loss", 0):
            count["lost"] += 1
            self._tell(way, packet, "lost")
            return
        copies = 2 if twice < how.get("dup", 0) else 1
        count["twice"] += copies - 1
        ms = how.get("delay", 0) + how.get("jitter", 0) * jitter / 100
        if late < how.get("late", 0):
            count["late"] += 1
            ms += LATE_MS
        self._tell(way, packet, "twice" if copies == 2 else "")
        for _ in range(copies):
            self._count += 1
            at = time.monotonic() + ms / 1000
            heapq.heappush(self._queue, (at, self._count, way, packet))

    def _tell(self, way, packet, fate):
        start = packet.payload[:60].split(b"\r\n")[0]
        if b"SIP/2.0" in packet.payload[:400]:
            at = time.monotonic() - self._began
            print(f"{at:7.3f} {way} {start.decode()} {fate}", file=sys.stderr, flush=True)

    def deliver(self):
        """Hand on what is due; the seconds until there is more, None for never."""
        while self._queue:
            left = self._queue[0][0] - time.monotonic()
            if left > 0:
                return left
            _, _, way, packet = heapq.heappop(self._queue)
            if self.nat:
                turn = self.nat.out if way == "ab" else self.nat.back
                packet = turn(packet, time.monotonic())
            try:
                if packet:
                    os.write(self._tuns[way], packet.data)
            except BlockingIOError:
                self.counts[way]["lost"] += 1
        return None


def serve(relay, tuns):
    poll = selectors.DefaultSelector()
    poll.register(tuns["a"], selectors.EVENT_READ, "ab")
    poll.register(tuns["b"], selectors.EVENT_READ, "ba")
    poll.register(0, selectors.EVENT_READ, None)
    while True:
        for key, _ in poll.select(relay.deliver()):
            if key.data:
                relay.take(key.data, os.read(key.fd, 65535))
            else:
                line = sys.stdin.readline()
                if not line:
                    return
                print(json.dumps(relay.order(json.loads(line))), flush=True)


def main(ip, seed, lifetime):
    try:
        prefix = PRIVATE if lifetime else PUBLIC
        prefixes = {"a": prefix, "b": PUBLIC}
        made = {side: namespace(ip, prefixes[side], HOSTS[side]) for side in "ab"}
    except (OSError, AttributeError) as error:
        print(json.dumps({"error": str(error)}), flush=True)
        return
    tuns = {side: tun for side, (_, tun) in made.items()}
    nat = Nat(seed, float(lifetime)) if lifetime else None
    relay = Relay({"ab": tuns["b"], "ba": tuns["a"]}, seed, nat)
    sides = {
        side: {
            "namespace": f"/proc/{os.getpid()}/fd/{ns}",
            "hosts": [prefixes[side] + str(n) for n in HOSTS[side]],
        }
        for side, (ns, _) in made.items()
    }
    print(json.dumps(sides), flush=True)
    serve(relay, tuns)


if __name__ == "__main__":
    main(*sys.argv[1:])
