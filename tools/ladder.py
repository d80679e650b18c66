#!/usr/bin/env python3
# usip: the ladder diagram of SIP calls in pcap files, as text and as a page to unfold
# MIT licence; Copyright (c) 2026 the usip authors
"""Draw who said what to whom, from pcap files (of usip's --trace, or of tcpdump -w).

    ladder.py call.pcap [more.pcap ...] [--html FILE] [--call-id ID] [--width N]
              [--name 192.168.178.20:5060=doorbell] [--name 192.168.178.1=box]

Several files are one ladder, in the order of time; what two of them have seen is drawn once.
Endpoints of the same name share a column. Passwords' proofs (digest responses) are crossed out.
"""

import argparse
import re
import struct
import sys
from html import escape
from ipaddress import ip_address

# pcap link types: how many bytes stand before the IP header, or who finds out.
_RAW = (12, 14, 101, 228, 229)
_AGAIN = 40  # seconds in which the same bytes are a retransmission (RFC 3261: 64*T1 is 32)
_CODECS = {0: "PCMU", 3: "GSM", 4: "G723", 8: "PCMA", 9: "G722", 13: "CN", 18: "G729"}
_EVENTS = "0123456789*#ABCD"  # RFC 4733 3.2
_START = re.compile(rb"(?:SIP/2\.0 \d{3}\b|[!-~]+ \S+ SIP/2\.0\r?\n)")


class LadderError(Exception):
    """The file is no capture that can be read."""


class Packet:
    """One SIP message or datagram. `src` and `dst` are "host:port", `source` is the file."""

    def __init__(self, time, src, dst, data, transport="UDP", source=""):
        self.time = time
        self.src = src
        self.dst = dst
        self.data = data
        self.transport = transport
        self.source = source


# --- reading ---


def _ip_at(link, frame):
    """The IP packet in `frame`, b"" when there is none."""
    if link in _RAW:
        return frame
    if link in (0, 108):  # BSD loopback: an address family, in the writer's or in network order
        return frame[4:]
    if link == 1:
        at = 12
        kind = frame[at : at + 2]
        while kind in (b"\x81\x00", b"\x88\xa8"):  # VLAN tags
            at += 4
            kind = frame[at : at + 2]
        return frame[at + 2 :] if kind in (b"\x08\x00", b"\x86\xdd") else b""
    if link == 113:  # Linux cooked
        return frame[16:] if frame[14:16] in (b"\x08\x00", b"\x86\xdd") else b""
    if link == 276:  # Linux cooked, second form
        return frame[20:] if frame[:2] in (b"\x08\x00", b"\x86\xdd") else b""
    raise LadderError("link type %d is not known" % link)


def _records(data, path):
    magic = data[:4]
    if magic == b"\x0a\x0d\x0d\x0a":
        raise LadderError("%s is pcapng: editcap -F pcap %s out.pcap" % (path, path))
    order = {b"\xd4\xc3\xb2\xa1": "<", b"\xa1\xb2\xc3\xd4": ">"}.get(magic)
    fraction = 1e-6
    if not order:
        order = {b"\x4d\x3c\xb2\xa1": "<", b"\xa1\xb2\x3c\x4d": ">"}.get(magic)
        fraction = 1e-9
    if not order or len(data) < 24:
        raise LadderError("%s is no pcap file" % path)
    link = struct.unpack_from(order + "I", data, 20)[0] & 0xFFFF
    at = 24
    while at + 16 <= len(data):
        seconds, part, size = struct.unpack_from(order + "III", data, at)
        at += 16
        if at + size > len(data):
            return  # its writer was killed
        yield seconds + part * fraction, _ip_at(link, data[at : at + size])
        at += size


def _address(ip, port):
    ip = str(ip_address(ip))
    return ("[%s]:%d" if ":" in ip else "%s:%d") % (ip, port)


def _payloads(records):
    """(time, protocol, source, destination, what follows the IP header) of UDP and TCP."""
    pieces = {}
    for time, ip in records:
        version = ip[0] >> 4 if ip else 0
        if version == 4 and len(ip) >= 20:
            size, ident, where = struct.unpack_from("!HHH", ip, 2)
            head = (ip[0] & 15) * 4
            protocol, src, dst = ip[9], ip[12:16], ip[16:20]
            # A length of 0 is what segmentation offload leaves behind.
            body = ip[head : size or len(ip)]
            if where & 0x3FFF:  # more fragments, or an offset: a long INVITE on UDP
                key = (src, dst, ident, protocol)
                parts = pieces.setdefault(key, {})
                parts[(where & 0x1FFF) * 8] = (body, where & 0x2000)
                body = b""
                for offset in sorted(parts):
                    if offset != len(body):
                        break
                    body += parts[offset][0]
                    if not parts[offset][1]:
                        del pieces[key]
                        break
                if key in pieces:
                    continue
        elif version == 6 and len(ip) >= 40:
            protocol, src, dst = ip[6], ip[8:24], ip[24:40]
            body = ip[40 : 40 + struct.unpack_from("!H", ip, 4)[0]]
            while protocol in (0, 43, 60) and len(body) >= 8:  # extension headers
                protocol, body = body[0], body[8 + body[1] * 8 :]
        else:
            continue
        if protocol in (6, 17) and len(body) >= 8:
            yield time, protocol, src, dst, body


def _split(buffer):
    """(messages, rest) of what came on a TCP connection (RFC 3261 18.3)."""
    out = []
    while True:
        buffer = buffer.lstrip(b"\r\n")
        end = buffer.find(b"\r\n\r\n")
        if end < 0:
            return out, buffer
        m = re.search(rb"(?im)^(?:content-length|l)[ \t]*:[ \t]*(\d{1,6})[ \t]*\r?$", buffer[:end])
        size = end + 4 + (int(m.group(1)) if m else 0)
        if len(buffer) < size:
            return out, buffer
        out.append(buffer[:size])
        buffer = buffer[size:]


def read_pcap(path):
    """The packets in the capture file `path` that have a payload; TCP as whole SIP messages."""
    with open(path, "rb") as f:
        data = f.read()
    out = []
    streams = {}  # (source, destination) -> [next sequence number, what is not a whole message yet]
    for time, protocol, src, dst, body in _payloads(_records(data, path)):
        ports = struct.unpack_from("!HH", body)
        a, b = _address(src, ports[0]), _address(dst, ports[1])
        if protocol == 17:
            size = struct.unpack_from("!H", body, 4)[0]
            if body[8:size].strip(b"\r\n\0"):  # else a keep-alive
                out.append(Packet(time, a, b, body[8:size], "UDP", path))
            continue
        if len(body) < 20:
            continue
        seq = struct.unpack_from("!I", body, 4)[0]
        text = body[(body[12] >> 4) * 4 :]
        if body[13] & 2:
            streams[a, b] = [(seq + 1) & 0xFFFFFFFF, b""]
            continue
        if not text:
            continue
        stream = streams.get((a, b))
        if not stream or (not stream[1] and _START.match(text)):
            stream = streams[a, b] = [seq, b""]
        old = (stream[0] - seq) & 0xFFFFFFFF
        if 0 < old < 0x80000000:  # seen already, all or a part
            text = text[old:]
            seq = stream[0]
        elif old:  # a hole: begin anew
            stream[1] = b""
        if text:
            stream[0] = (seq + len(text)) & 0xFFFFFFFF
            messages, stream[1] = _split(stream[1] + text)
            if not _START.match(stream[1][:2000]) and len(stream[1]) > 65536:
                stream[1] = b""  # something else than SIP
            for m in messages:
                if _START.match(m):
                    out.append(Packet(time, a, b, m, "TCP", path))
    return out


def merge(captures):
    """One list of several captures' packets by time; what two files have seen counts once."""
    out = []
    seen = {}
    for p in sorted([p for c in captures for p in c], key=lambda p: p.time):
        key = (p.src, p.dst, p.data)
        # The nth sight of the same bytes in one file is the nth in the other.
        counts = seen.setdefault(key, {})
        n = counts[p.source] = counts.get(p.source, 0) + 1
        if n > max([0] + [counts[s] for s in counts if s != p.source]):
            out.append(p)
    return out


# --- understanding ---


def _clean(data, limit=200):
    """Bytes of the network as one printable line."""
    text = data[:limit].decode("utf-8", "replace")
    return "".join([c if c.isprintable() else "?" for c in text])


def _header(head, *names):
    m = re.search(rb"(?im)^(?:%s)[ \t]*:[ \t]*(.*?)[ \t]*\r?$" % "|".join(names).encode(), head)
    return m.group(1) if m else b""


class Arrow:
    """One line of a ladder."""

    def __init__(self, packet, kind, label, call=b"", cseq=""):
        self.time = packet.time
        self.src = packet.src
        self.dst = packet.dst
        self.kind = kind  # request, provisional, ok, failure, rtp, digit
        self.label = label
        self.cseq = cseq
        self.call = call
        self.again = 0  # the nth time that these bytes went this way, from 1 on
        self.detail = ""
        self.transport = packet.transport


def _digits(head, body):
    kind = _header(head, "content-type", "c").lower()
    if not kind.startswith((b"application/dtmf", b"application/telephone")):
        return ""
    m = re.search(rb"(?im)^signal[ \t]*=[ \t]*([0-9*#A-Da-d]+|x)", body)
    if not m:
        m = re.match(rb"\s*([0-9*#A-Da-d]{1,2}|x)\s*$", body)
    return m.group(1).decode().replace("x", "(hidden)") if m else ""


def _sip(p):
    head, _, body = p.data.partition(b"\r\n\r\n")
    line = head.split(b"\n", 1)[0].strip()
    call = _header(head, "call-id", "i")
    cseq = _clean(_header(head, "cseq"), 40)
    if line.startswith(b"SIP/2.0"):
        label = _clean(line[8:], 60)
        kind = {"1": "provisional", "2": "ok"}.get(label[:1], "failure")
        if label[:3] in ("401", "407"):
            kind = "provisional"  # a challenge is how it goes, not how it fails
        arrow = Arrow(p, kind, label, call, cseq)
    else:
        method = _clean(line.split(b" ", 1)[0], 20)
        arrow = Arrow(p, "request", method, call, cseq.split(" ")[0])
        if method == "INFO":
            digit = _digits(head, body)
            if digit:
                arrow.kind = "digit"
                arrow.label += " digit " + digit
        elif method == "MESSAGE" and body:
            arrow.label += ' "%s"' % _clean(body.strip(), 30)
    if _header(head, "content-type", "c").lower().startswith(b"application/sdp"):
        arrow.label += " +SDP"
    arrow.detail = _show(p.data)
    return arrow


def _show(data):
    """A message to read: one LF a line, nothing that steers a terminal or a page."""

    def cross(m):
        return m.group(1) + b"x" * len(m.group(2))

    head, gap, body = data.partition(b"\r\n\r\n")
    head = re.sub(rb'(?i)((?<![\w-])(?:response|rspauth)\s*=\s*"?)([0-9a-f]{16,})', cross, head)
    text = (head + gap + body).decode("utf-8", "replace").replace("\r\n", "\n")
    return "".join(
        [
            c
            if c.isprintable() or c in "\n\t"
            else chr(0x2400 + ord(c))  # the pictures of control characters
            if ord(c) < 32
            else "\ufffd"
            for c in text
        ]
    ).rstrip("\n")


class _Media:
    """What the session descriptions say: whose address is which, what payload types mean."""

    def __init__(self):
        self.owner = {}  # "ip:port" -> (endpoint that offered it, Call-ID)
        self.types = {}  # ("ip:port", payload type) -> name

    def learn(self, p, call):
        head, _, body = p.data.partition(b"\r\n\r\n")
        if not _header(head, "content-type", "c").lower().startswith(b"application/sdp"):
            return
        ips = [None]  # of the session, then of each medium
        ports = [0]
        types = []
        for line in body.decode("utf-8", "replace").splitlines():
            word = line[2:].split()
            if line[:2] == "m=":
                port = word[1].split("/")[0] if len(word) > 1 else ""
                ports.append(int(port) & 0xFFFF if re.match(r"[0-9]{1,5}$", port) else 0)
                ips.append(ips[0])
            elif line[:2] == "c=" and len(word) == 3:
                try:
                    ips[-1] = str(ip_address(word[2].split("/")[0]))
                except ValueError:
                    pass  # a host name: sound stands where its host does
            m = re.match(r"a=rtpmap:([0-9]{1,3})\s+([\w.-]+)", line)
            if m:
                types.append((len(ports) - 1, int(m.group(1)), m.group(2)))
        ends = [_address(ip, port) if ip and port else "" for ip, port in zip(ips, ports)]
        for end in ends:
            if end:
                # A proxy passes it on: the first to say it is whose it is.
                self.owner.setdefault(end, (p.src, call))
        for i, kind, name in types:
            self.types[ends[i], kind] = name

    def name(self, p, kind):
        for a in (p.dst, p.src):
            if (a, kind) in self.types:
                return self.types[a, kind]
        return _CODECS.get(kind, "telephone-event" if kind == 101 else "type %d" % kind)


class _Stream:
    def __init__(self, arrow):
        self.arrow = arrow
        self.packets = 0
        self.first = self.last = arrow.time
        self.seqs = set()
        self.high = None
        self.codecs = []
        self.event = None
        self.digits = []


def _rtp(p, media, streams, arrows):
    data = p.data
    kind = data[1] & 0x7F
    key = (p.src, p.dst, data[8:12])
    stream = streams.get(key)
    call = (media.owner.get(p.dst) or media.owner.get(p.src) or ("", b""))[1]
    if not stream:
        stream = streams[key] = _Stream(Arrow(p, "rtp", "RTP", call))
        arrows.append(stream.arrow)
    seq, stamp = struct.unpack_from("!HI", data, 2)
    if stream.high is None:
        stream.high = seq
    gap = (seq - stream.high + 0x8000 & 0xFFFF) - 0x8000
    stream.seqs.add(stream.high + gap)
    stream.high = max(stream.high, stream.high + gap)
    stream.packets += 1
    stream.last = p.time
    name = media.name(p, kind)
    if name.lower() != "telephone-event":
        if name not in stream.codecs and len(stream.codecs) < 4:
            stream.codecs.append(name)
        return
    at = 12 + (data[0] & 15) * 4
    if len(data) < at + 4:
        return
    # RFC 4733 2.3: event, end bit and volume, duration. One timestamp is one press.
    event, duration = data[at], struct.unpack_from("!H", data, at + 2)[0]
    if not stream.event or stream.event[0] != (stamp, event):
        stream.event = ((stamp, event), Arrow(p, "digit", "", call))
        stream.digits.append(stream.event[1])
        arrows.append(stream.event[1])
    digit = _EVENTS[event] if event < len(_EVENTS) else "event %d" % event
    if event == 255:  # as the phone's own traces hide it
        digit = "(hidden)"
    stream.event[1].label = "RTP digit %s, %d ms" % (digit, duration // 8)


def _unwrapped(stream):
    # seqs were unwrapped against the highest so far, so a 16-bit wrap is a step like any other.
    return max(stream.seqs) - min(stream.seqs) + 1


class Ladder:
    """The arrows and columns of `packets`. `names` maps "ip:port" or "ip" to the name of a column;
    `call_id` (a part of it is enough) takes only what belongs to that call."""

    def __init__(self, packets, names=None, call_id=None):
        self.names = names or {}
        wanted = call_id.encode() if isinstance(call_id, str) else call_id
        media = _Media()
        streams = {}
        sent = {}
        arrows = []
        for p in packets:
            if _START.match(p.data):
                arrow = _sip(p)
                key = (p.src, p.dst, p.data)
                before = sent.get(key)
                if before and p.time - before[0] < _AGAIN:
                    arrow.again = before[1] + 1
                sent[key] = (p.time, arrow.again)
                media.learn(p, arrow.call)
                arrows.append(arrow)
            elif p.transport == "UDP" and len(p.data) >= 12 and p.data[0] >> 6 == 2:
                if not 192 <= p.data[1] <= 223:  # RTCP (RFC 5761 4)
                    _rtp(p, media, streams, arrows)
        noise = set()
        for s in streams.values():
            a = s.arrow
            known = a.src in media.owner or a.dst in media.owner
            if s.packets < 3 and not known:
                noise.update([a] + s.digits)  # anything may look like RTP once
                continue
            lost = _unwrapped(s) - len(s.seqs)
            a.label = "RTP %s%d packets, %.1f s%s" % (
                "/".join(s.codecs) + ", " if s.codecs else "",
                s.packets,
                s.last - s.first,
                ", %d lost" % lost if lost else "",
            )
        arrows = [a for a in arrows if a not in noise]
        if wanted:
            arrows = [a for a in arrows if wanted in a.call]
        self.arrows = arrows
        self.start = arrows[0].time if arrows else 0
        self._columns(media)

    def _columns(self, media):
        self.columns = []  # (name, set of addresses) from left to right
        index = {}
        hosts = {}
        signalling = [a for a in self.arrows if a.detail]
        for a in signalling:
            for end in (a.src, a.dst):
                hosts.setdefault(end.rpartition(":")[0], end)
        for a in signalling + [a for a in self.arrows if not a.detail]:
            for side in ("src", "dst"):
                end = getattr(a, side)
                if not a.detail:  # sound stands in the column of who asked for it
                    host = end.rpartition(":")[0]
                    end = (media.owner.get(end) or (hosts.get(host, end),))[0]
                name = self._name(end)
                if name not in index:
                    index[name] = len(self.columns)
                    self.columns.append((name, []))
                if end not in self.columns[index[name]][1]:
                    self.columns[index[name]][1].append(end)
                setattr(a, "to" if side == "dst" else "from_", index[name])

    def _name(self, end):
        host = end.rpartition(":")[0]
        return (
            self.names.get(end) or self.names.get(host) or self.names.get(host.strip("[]")) or end
        )


# --- drawing ---


def _fit(text, width):
    return text if len(text) <= width else text[: max(width - 2, 0)] + ".."[:width]


def _words(arrow):
    text = arrow.label
    if arrow.cseq:
        text += " (%s)" % arrow.cseq
    if arrow.again:
        text += " again" if arrow.again == 1 else " again, %d" % arrow.again
    return text


def text(packets, names=None, width=100, call_id=None):
    """The ladder as lines of at most `width` columns (fewer than 40 are not tried)."""
    ladder = Ladder(packets, names, call_id)
    columns = ladder.columns
    if not columns:
        return "nothing to draw: no SIP message\n"
    left = 10
    n = len(columns)
    width = max(width, 40)
    # The outer lines stand as far out as their names allow.
    share = (width - left) // n
    wide = [min(max(len(name), len(" ".join(ends))), share - 1) for name, ends in columns]
    first = left + wide[0] // 2
    last = width - 1 - (wide[-1] + 1) // 2
    at = [first + (last - first) * i // max(n - 1, 1) for i in range(n)]
    step = min([b - a for a, b in zip(at, at[1:])] or [width - left])

    def put(row, column, text):
        row[column : column + len(text)] = text

    def lines():
        row = [" "] * width
        for x in at:
            row[x] = "|"
        return row

    out = []
    for part in (0, 1):
        row = [" "] * width
        for i, (name, ends) in enumerate(columns):
            if part and ends == [name]:
                continue
            word = _fit(name if not part else " ".join(ends), step - 1)
            put(row, max(at[i] - len(word) // 2, 0), word)
        out.append("".join(row).rstrip())
    out = [line for line in out if line]
    for a in ladder.arrows:
        row = lines()
        put(row, 0, "%9.3f" % (a.time - ladder.start))
        x, y = at[a.from_], at[a.to]
        word = _words(a)
        if x == y:
            word = _fit("* " + word, len(row) - x - 2)
            put(row, x + 2, word)
        else:
            lo, hi = min(x, y), max(x, y)
            dash = {"rtp": "=", "digit": "~"}.get(a.kind, "-")
            word = " %s " % _fit(word, hi - lo - 7)
            put(row, lo + 1, dash * (hi - lo - 1))
            put(row, lo + 1 + (hi - lo - 1 - len(word)) // 2, word)
            put(row, y + (-1 if x < y else 1), ">" if x < y else "<")
        out.append("".join(row).rstrip())
    return "\n".join(out) + "\n"


_PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>%(title)s</title>
<style>
:root {
  color-scheme: light dark;
  --paper: #fbfbf9; --ink: #1d2126; --soft: #69707a; --line: #d3d6da;
  --card: #fff; --hover: #eef1f5;
  --request: #1f5fbf; --provisional: #8a6d1a; --ok: #1c7c43; --failure: #c02a2a; --rtp: #7b3fb5;
  --digit: #b0468a;
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #15181c; --ink: #e4e7ea; --soft: #98a1ab; --line: #3a4048; --card: #1e2228;
    --hover: #22272e; --request: #7db1ff; --provisional: #e0bd5c; --ok: #6fd397;
    --failure: #ff8a80; --rtp: #c79bf5; --digit: #f19fd0;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0 auto; padding: 1rem; max-width: 72rem; background: var(--paper); color: var(--ink);
  font: 15px/1.35 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif;
}
h1 { font-size: 1.3rem; margin: 0 0 .2rem; }
.sum { color: var(--soft); margin: 0 0 .8rem; }
.ladder { --time: 4.6rem; }
.pick { position: absolute; opacity: 0; }
.calls { display: flex; flex-wrap: wrap; gap: .4rem; margin-bottom: .8rem; }
.calls label {
  border: 1px solid var(--line); border-radius: 1rem; padding: .2rem .7rem; cursor: pointer;
  font-size: .85rem; color: var(--soft); background: var(--card);
}
.heads {
  position: sticky; top: 0; z-index: 2; display: flex; padding: .4rem 0 .4rem var(--time);
  background: var(--paper); border-bottom: 1px solid var(--line);
}
.heads div { flex: 1; min-width: 0; text-align: center; overflow-wrap: anywhere; padding: 0 .2rem; }
.heads b { display: block; font-size: .95rem; }
.heads small { display: block; color: var(--soft); font-size: .72rem; }
.row { --c: var(--request); }
.provisional { --c: var(--provisional); } .ok { --c: var(--ok); } .failure { --c: var(--failure); }
.rtp { --c: var(--rtp); } .digit { --c: var(--digit); }
summary, .flat {
  display: block; position: relative; padding-left: var(--time); list-style: none;
  min-height: 2.5rem;
}
summary { cursor: pointer; }
summary::-webkit-details-marker { display: none; }
summary:hover, summary:focus-visible, details[open] > summary { background: var(--hover); }
summary:focus-visible { outline: 2px solid var(--request); outline-offset: -2px; }
time {
  position: absolute; left: 0; top: .35rem; width: calc(var(--time) - .4rem); text-align: right;
  color: var(--soft); font: .76rem/1.35 ui-monospace, Menlo, Consolas, monospace;
}
.lane {
  position: relative; min-height: 2.5rem; display: block;
  background-size: %(step)s%% 100%%;
  background-image: linear-gradient(90deg, transparent calc(50%% - .5px),
    var(--line) calc(50%% - .5px), var(--line) calc(50%% + .5px), transparent calc(50%% + .5px));
}
.arrow {
  position: relative; display: block; padding: .25rem .9rem .75rem; text-align: center;
  color: var(--c); overflow-wrap: anywhere; min-height: 2.5rem;
}
.arrow span { background: var(--paper); border-radius: .3rem; padding: 0 .3rem; }
summary:hover .arrow span, details[open] > summary .arrow span { background: var(--hover); }
.arrow i { font-style: normal; color: var(--soft); font-size: .78rem; white-space: nowrap; }
.arrow em {
  font-style: normal; font-size: .72rem; border: 1px solid var(--c); border-radius: .3rem;
  padding: 0 .25rem;
}
.arrow::before {
  content: ""; position: absolute; left: 1px; right: 1px; bottom: .45rem;
  border-bottom: 2px solid var(--c);
}
.again .arrow::before { border-bottom-style: dashed; }
.rtp .arrow::before { border-bottom: 4px double var(--c); bottom: .36rem; }
.digit .arrow::before { border-bottom-style: dotted; }
.arrow::after {
  content: ""; position: absolute; bottom: calc(.45rem - 4px); border: 5px solid transparent;
}
.right .arrow::after { right: 1px; border-left: 9px solid var(--c); border-right: 0; }
.left .arrow::after { left: 1px; border-right: 9px solid var(--c); border-left: 0; }
.self .arrow::before { left: 50%%; right: 40%%; } .self .arrow::after { display: none; }
.again .arrow { opacity: .75; }
pre {
  margin: .3rem 0 .8rem var(--time); padding: .7rem .9rem; background: var(--card);
  border: 1px solid var(--line); border-left: 3px solid var(--c); border-radius: .3rem;
  font: .82rem/1.45 ui-monospace, Menlo, Consolas, monospace;
  white-space: pre-wrap; overflow-wrap: anywhere; tab-size: 4;
}
pre b { color: var(--c); } pre span { color: var(--soft); }
%(rules)s
@media (max-width: 40rem) {
  body { padding: .5rem; font-size: 13px; }
  .ladder { --time: 3.1rem; }
  time { font-size: .7rem; }
  .arrow { padding-left: .3rem; padding-right: .3rem; }
  pre { margin-left: 0; }
}
@media print { .calls { display: none; } .heads { position: static; } }
</style>
</head>
<body>
<h1>%(title)s</h1>
<p class="sum">%(sum)s</p>
<div class="ladder">
%(calls)s<div class="heads">%(heads)s</div>
<div class="rows">
%(rows)s
</div>
</div>
</body>
</html>
"""


def _pre(detail):
    """A message with its start line and the names of its headers set off."""
    head, gap, body = detail.partition("\n\n")
    out = []
    for i, line in enumerate(head.split("\n")):
        name, colon, value = line.partition(":")
        if i == 0:
            out.append("<b>%s</b>" % escape(line))
        elif colon and line[:1] not in " \t":
            out.append("<span>%s:</span>%s" % (escape(name), escape(value)))
        else:
            out.append(escape(line))
    return "\n".join(out) + escape(gap + body)


def _breaks(address):
    # A narrow column breaks it before the port.
    return re.sub(r":(?=[0-9]+\b)", "<wbr>:", escape(address))


def _row(ladder, a, calls):
    n = len(ladder.columns)
    lo, hi = min(a.from_, a.to), max(a.from_, a.to)
    way = "right" if a.from_ < a.to else "left" if a.from_ > a.to else "self"
    classes = [a.kind, way]
    if a.again:
        classes.append("again")
    if a.call in calls:
        classes.append("k%d" % calls[a.call])
    # Columns are equally wide; an arrow runs from the middle of one to the middle of another.
    left, right = (lo + 0.5, n - hi - 0.5) if way != "self" else (lo, n - lo - 1)
    label = "<span>%s" % escape(a.label)
    if a.cseq:
        label += " <i>%s</i>" % escape(a.cseq)
    if a.again:
        label += " <em>again%s</em>" % (" %d" % a.again if a.again > 1 else "")
    line = (
        '<time>%.3f</time><span class="lane"><span class="arrow" style="margin:0 %.3f%% 0 %.3f%%">'
        "%s</span></span></span>"
    ) % (a.time - ladder.start, right * 100 / n, left * 100 / n, label)
    if not a.detail:
        return '<div class="row %s"><div class="flat">%s</div></div>' % (" ".join(classes), line)
    return '<details class="row %s"><summary>%s</summary><pre>%s</pre></details>' % (
        " ".join(classes),
        line,
        _pre(a.detail),
    )


def html(packets, names=None, call_id=None, title="SIP ladder"):
    """The ladder as one page without scripts and without anything to fetch: messages unfold, and
    a call can be picked where there are several."""
    ladder = Ladder(packets, names, call_id)
    n = max(len(ladder.columns), 1)
    calls = {}
    first = []
    for a in ladder.arrows:
        if a.call not in calls and a.detail:
            calls[a.call] = len(calls)
            first.append(a)
    picks = rules = ""
    if len(calls) > 1:
        marks = ['<input class="pick" type="radio" name="call" id="all" checked>']
        labels = ['<label for="all">all</label>']
        style = "border-color: var(--request); color: var(--ink);"
        lines = ["#all:checked ~ .calls label[for=all] { %s }" % style]
        for i, a in enumerate(first):
            marks.append('<input class="pick" type="radio" name="call" id="k%d">' % i)
            labels.append(
                '<label for="k%d" title="%s">%s, %.1f s</label>'
                % (i, escape(_clean(a.call)), escape(a.label.split(" ")[0]), a.time - ladder.start)
            )
            lines.append("#k%d:checked ~ .calls label[for=k%d] { %s }" % (i, i, style))
            lines.append("#k%d:checked ~ .rows .row:not(.k%d) { display: none; }" % (i, i))
        picks = '%s\n<div class="calls">%s</div>\n' % ("".join(marks), "".join(labels))
        rules = "\n".join(lines)
    heads = ""
    for name, ends in ladder.columns:
        small = "" if ends == [name] else "<small>%s</small>" % _breaks(" ".join(ends))
        heads += "<div><b>%s</b>%s</div>" % (_breaks(name), small)
    sip = len([a for a in ladder.arrows if a.detail])
    last = max([a.time for a in ladder.arrows] or [0]) - ladder.start
    return _PAGE % {
        "title": escape(title),
        "sum": "%d messages in %.1f s. Touch one to unfold it." % (sip, last),
        "step": "%.4f" % (100 / n),
        "rules": rules,
        "calls": picks,
        "heads": heads,
        "rows": "\n".join([_row(ladder, a, calls) for a in ladder.arrows]),
    }


def main(args=None):
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("pcap", nargs="+", help="capture files")
    parser.add_argument("--html", metavar="FILE", help="write a page as well")
    parser.add_argument("--call-id", metavar="ID", help="only this call (a part is enough)")
    parser.add_argument("--width", type=int, default=100, help="columns of the text (100)")
    parser.add_argument(
        "--name", action="append", default=[], metavar="IP[:PORT]=NAME", help="name an endpoint"
    )
    options = parser.parse_args(args)
    names = {}
    for word in options.name:
        address, sep, name = word.partition("=")
        if not sep or not name:
            parser.error("--name wants IP:PORT=NAME, not %r" % word)
        names[address] = name
    try:
        packets = merge([read_pcap(p) for p in options.pcap])
        if options.html:
            page = html(packets, names, options.call_id)
            with open(options.html, "w", encoding="utf-8") as f:
                f.write(page)
    except (OSError, LadderError) as e:
        print("ladder: %s" % e, file=sys.stderr)
        return 1
    sys.stdout.write(text(packets, names, options.width, options.call_id))
    return 0


if __name__ == "__main__":
    sys.exit(main())
