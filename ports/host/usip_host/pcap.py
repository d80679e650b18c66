# usip: the trace as a file that Wireshark opens
# MIT licence; Copyright (c) 2026 the usip authors
#
# Classic pcap, link type RAW: the IP and UDP headers of the datagrams are made up here, so that no
# right to capture is needed and nothing but this phone's own traffic is in the file. What came by
# TCP or TLS is written, in clear, as a TCP conversation.

import struct
import time

from usip.clock import left

_LINKTYPE_RAW = 101
_SYN = 2
_PSH_ACK = 0x18
_ACK = 0x10


def tee(*hooks):
    """One trace hook that feeds several; a hook that is None is left out."""
    hooks = [h for h in hooks if h]

    def hook(out, data, flow, now):
        for h in hooks:
            h(out, data, flow, now)

    return hook


HIDDEN = 255  # a telephone-event that was hidden


def redact(data, rtp=False, digits=False):
    """`data` (bytes) with secrets made x's: what proves a password, for who has a digest response
    can try passwords on it at leisure, and the digits of INFO and telephone-events, which may be a
    door's code (`digits`: not those). Of the same length, so that all offsets still hold."""
    if rtp:
        # RFC 4733 2.3, on one of the numbers that are given by SDP.
        at = 12 + (data[0] & 15) * 4 if data else 0
        if len(data) == at + 4 > 15 and data[0] >> 6 == 2 and 96 <= data[1] & 127:
            data = data[:at] + bytes([HIDDEN]) + data[at + 1 :]
        return data
    end = data.find(b"\r\n\r\n")
    if end < 0:
        end = len(data)
    elif data[:5] == b"INFO " and not digits:
        data = data[: end + 4] + _cross_digits(data[end + 4 :])
    lower = data[:end].lower()
    at = lower.find(b"auth")
    while at >= 0:
        # From the name to the end of the value; a folded line belongs to it (RFC 3261 7.3.1).
        stop = lower.find(b"\r\n", at)
        while stop >= 0 and lower[stop + 2 : stop + 3] in (b" ", b"\t"):
            stop = lower.find(b"\r\n", stop + 2)
        if stop < 0:
            stop = end
        colon = lower.find(b":", at, stop)
        name = lower[at:colon].rstrip() if colon > 0 else b""
        if name == b"authorization" or name == b"authentication-info":
            value = lower[colon + 1 : stop].lstrip()
            if name == b"authorization" and value[:6] != b"digest":
                at = stop - len(value) + value.find(b" ") + 1
                data = data[:at] + b"x" * (stop - at) + data[stop:]
            for what in (b"response", b"rspauth"):
                data = _cross(data, lower, what, colon, stop)
        at = lower.find(b"auth", stop)
    return data


def _cross_digits(body):
    # application/dtmf-relay's "Signal=5", or application/dtmf's "5": see usip/info.py. Whatever
    # holds no digit by itself keeps its form.
    out = b""
    for line in body.split(b"\n"):
        name, equals, value = line.partition(b"=")
        if not equals:
            line = _crossed(line)
        elif name.strip().lower() == b"signal":
            line = name + equals + _crossed(value)
        out += line + b"\n"
    return out[:-1]


def _crossed(text):
    return bytes([120 if c in b"0123456789*#ABCDabcd" else c for c in text])


def _cross(data, lower, what, at, stop):
    at = lower.find(what, at, stop)
    while at >= 0:
        before = lower[at - 1]
        at += len(what)
        while at < stop and lower[at] in b" \t\r\n":
            at += 1
        if before in b" \t,\n:" and lower[at : at + 1] == b"=":
            at += 1
            while at < stop and lower[at] in b' \t\r\n"':
                at += 1
            i = at
            while i < stop and lower[i] not in b'", \t\r\n':
                i += 1
            data = data[:at] + b"x" * (i - at) + data[i:]
        at = lower.find(what, at, stop)
    return data


def _ipv4(host):
    parts = host.split(b".")
    if len(parts) == 4 and all([p.isdigit() and int(p) < 256 for p in parts]):
        return bytes([int(p) for p in parts])
    return None


def _ipv6(host):
    # RFC 4291 2.2: at most one "::", the last 32 bits may be dotted.
    halves = []
    for half in host.split(b"::"):
        out = b""
        for group in half.split(b":") if half else []:
            v4 = _ipv4(group)
            try:
                out += v4 or struct.pack("!H", int(group, 16) & 0xFFFF)
            except ValueError:
                return None
        halves.append(out)
    if len(halves) == 1:
        return halves[0] if len(halves[0]) == 16 else None
    zeros = 16 - len(halves[0]) - len(halves[1])
    return halves[0] + bytes(zeros) + halves[1] if len(halves) == 2 and zeros > 0 else None


def _sum(data):
    # RFC 1071, not yet complemented.
    if len(data) & 1:
        data += b"\0"
    n = sum(struct.unpack("!%dH" % (len(data) // 2), data))
    while n >> 16:
        n = (n & 0xFFFF) + (n >> 16)
    return n


class Pcap:
    """A trace hook that writes a pcap file. Each record is flushed: a killed program leaves a file
    that opens. A disk that is full ends the writing, not the call; `error` then says why. What
    redact() hides is not in it; `digits`: digits are. Digits as tones are sound like any other."""

    def __init__(self, path, digits=False):
        self._digits = digits
        self._file = path if hasattr(path, "write") else open(path, "wb")
        self._base = None  # (seconds, microseconds) of the wall clock at the first record
        self._last = self._ms = 0
        self._id = 0
        self._names = {}  # a host that is a name -> an address of the documentation's (RFC 5737)
        self._tcp = {}  # (local, remote) -> [next number out, next number in]
        self.error = None
        self._write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 0x40000, _LINKTYPE_RAW))

    def __call__(self, out, data, flow, now):
        if not self._file:
            return
        data = bytes(data)
        if self._base is None:
            t = time.time()
            self._base = (int(t), int((t - int(t)) * 1000000))
            self._last = now
        self._ms += left(now, self._last)
        self._last = now
        local = self._address(flow.local[0])
        remote = self._address(flow.remote[0])
        if len(local) != len(remote):
            local = (b"\0" * 10 + b"\xff\xff" + local)[-16:]
            remote = (b"\0" * 10 + b"\xff\xff" + remote)[-16:]
        local = (local, flow.local[1])
        remote = (remote, flow.remote[1])
        rtp = flow.transport == b"RTP"
        if not (rtp and self._digits):
            data = redact(data, rtp, self._digits)
        if flow.transport in (b"TCP", b"TLS"):
            self._segment(out, data, flow, local, remote)
            return
        src, dst = (local, remote) if out else (remote, local)
        head = struct.pack("!HHHH", src[1], dst[1], 8 + len(data), 0)
        self._packet(17, src[0], dst[0], head, data, 6)

    def close(self):
        """End the file."""
        if self._file:
            self._file.close()
            self._file = None

    def _address(self, host):
        host = host.strip(b"[]").split(b"%")[0]
        a = _ipv6(host) if b":" in host else _ipv4(host)
        if a is None:
            if host not in self._names:
                self._names[host] = bytes([192, 0, 2, len(self._names) % 254 + 1])
            a = self._names[host]
        return a

    def _segment(self, out, data, flow, local, remote):
        if flow.transport == b"TLS":
            # It is in clear here: on 5061 Wireshark would try to decrypt it.
            local = (local[0], 5060 if local[1] == 5061 else local[1])
            remote = (remote[0], 5060 if remote[1] == 5061 else remote[1])
        key = (local, remote)
        state = self._tcp.get(key)
        if not state:
            # Who speaks first has connected, as far as anybody sees here.
            state = self._tcp[key] = [1, 1]
            ends = (local, remote) if out else (remote, local)
            self._tcp_packet(ends[0], ends[1], 0, 0, _SYN, b"")
            self._tcp_packet(ends[1], ends[0], 0, 1, _SYN | _ACK, b"")
            self._tcp_packet(ends[0], ends[1], 1, 1, _ACK, b"")
        if out:
            self._tcp_packet(local, remote, state[0], state[1], _PSH_ACK, data)
        else:
            self._tcp_packet(remote, local, state[1], state[0], _PSH_ACK, data)
        i = 0 if out else 1
        state[i] = (state[i] + len(data)) & 0xFFFFFFFF

    def _tcp_packet(self, src, dst, seq, ack, flags, data):
        head = struct.pack("!HHIIBBHHH", src[1], dst[1], seq, ack, 0x50, flags, 0xFFFF, 0, 0)
        self._packet(6, src[0], dst[0], head, data, 16)

    def _packet(self, protocol, src, dst, head, data, check):
        # `check`: where the checksum lies in `head`. Pseudo headers of RFC 768 and RFC 8200 8.1.
        size = len(head) + len(data)
        n = _sum(src + dst + struct.pack("!HH", protocol, size) + head + data) ^ 0xFFFF
        head = head[:check] + struct.pack("!H", n or 0xFFFF) + head[check + 2 :]
        if len(src) == 4:
            self._id = (self._id + 1) & 0xFFFF
            ip = (
                struct.pack("!BBHHHBBH", 0x45, 0, 20 + size, self._id, 0, 64, protocol, 0)
                + src
                + dst
            )
            ip = ip[:10] + struct.pack("!H", _sum(ip) ^ 0xFFFF) + ip[12:]
        else:
            ip = struct.pack("!IHBB", 0x60000000, size, protocol, 64) + src + dst
        us = self._base[1] + self._ms * 1000
        size += len(ip)
        record = struct.pack("<IIII", self._base[0] + us // 1000000, us % 1000000, size, size)
        self._write(record + ip + head + data)

    def _write(self, record):
        # One write a record, so that a kill falls between two.
        if not self._file:
            return
        try:
            self._file.write(record)
            self._file.flush()
        except OSError as e:
            self.error = e
            self.close()
