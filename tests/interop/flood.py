"""Sends one kind of datagram at a steady rate, and tells what it sent and what came back.

    flood.py KIND TO:PORT FROM SECONDS [RATE]

KIND is a name of KINDS below. FROM is the address that they come from; with "many" in place of it
they come from 200 of them. What is told at the end is one object of JSON.
"""

import json
import random
import socket
import struct
import sys
import time

SDP = (
    "v=0\r\no=- 1 1 IN IP4 {me}\r\ns=-\r\nc=IN IP4 {me}\r\nt=0 0\r\n"
    "m=audio 6000 RTP/AVP 0 8 101\r\na=rtpmap:101 telephone-event/8000\r\n"
)
dice = random.Random(7)


def _request(method, n, me, to, body=""):
    lines = [
        f"{method} sip:100@{to} SIP/2.0",
        f"Via: SIP/2.0/UDP {me}:5060;branch=z9hG4bK-{n}-{dice.getrandbits(32)};rport",
        f"From: <sip:100@{to}>;tag={n}",
        f"To: <sip:100@{to}>",
        f"Call-ID: {n}-{dice.getrandbits(64)}",
        f"CSeq: 1 {method}",
        f"Contact: <sip:100@{me}:5060>",
        "Max-Forwards: 70",
        "User-Agent: friendly-scanner",
        *(["Content-Type: application/sdp"] if body else []),
        f"Content-Length: {len(body)}",
    ]
    return ("\r\n".join(lines) + "\r\n\r\n" + body).encode()


def _response(n, me, to):
    lines = [
        "SIP/2.0 200 OK",
        f"Via: SIP/2.0/UDP {to}:5060;branch=z9hG4bK{dice.getrandbits(64):016x}",
        f"From: <sip:100@{to}>;tag={dice.getrandbits(32)}",
        f"To: <sip:100@{to}>;tag={n}",
        f"Call-ID: {dice.getrandbits(80)}",
        f"CSeq: {n} {dice.choice(['REGISTER', 'INVITE', 'BYE'])}",
        "Content-Length: 0",
    ]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def _sound(n, me, to):
    head = struct.pack("!BBHII", 0x80, 8, n & 0xFFFF, n * 160 & 0xFFFFFFFF, 0x12345678)
    return head + bytes(160)


def _report(n, me, to):
    # a sender's report, and its BYE
    ssrc = dice.getrandbits(32)
    return struct.pack("!BBHI20x", 0x80, 200, 6, ssrc) + struct.pack("!BBHI", 0x81, 203, 1, ssrc)


KINDS = {
    "garbage": lambda n, me, to: dice.randbytes(dice.randrange(1, 1400)),
    "scanner": lambda n, me, to: _request("INVITE", n, me, to, SDP.format(me=me)),
    "register": lambda n, me, to: _request("REGISTER", n, me, to),
    "options": lambda n, me, to: _request("OPTIONS", n, me, to),
    "responses": _response,
    "rtp": _sound,
    "rtcp": _report,
    "mixed": lambda n, me, to: KINDS[("scanner", "register", "responses", "garbage")[n % 4]](
        n, me, to
    ),
}


def main(kind, target, me, seconds, rate="2000"):
    host, port = target.rsplit(":", 1)
    target = host, int(port)
    seconds, rate = float(seconds), int(rate)
    count = 200 if me == "many" else 1
    sockets = []
    for i in range(count):
        s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        s.bind((me if count == 1 else f"127.78.{i}.{port[-1]}1", 5060 if count == 1 else 0))
        s.setblocking(False)
        sockets.append((s, s.getsockname()[0]))
    make = KINDS[kind]
    # Made beforehand: what is measured is the phone.
    most = int(seconds * rate)
    made = [make(n, sockets[n % count][1], host) for n in range(min(most, 20 * count * 10))]
    told = {"kind": kind, "sent": 0, "bytes": 0, "came": 0, "bytes_back": 0, "refused": 0}
    n = 0
    began = time.monotonic()
    while n < most:
        now = time.monotonic() - began
        # Two in a millisecond; a sender that stood still does not make up for it at once.
        due = min(most, int(now * rate) + 2, n + 20)
        while n < due:
            s = sockets[n % count][0]
            data = made[n % len(made)]
            if n >= len(made) and data[:4] != b"\x80\x08":
                data = data.replace(b"Call-ID: ", b"Call-ID: %d" % n).replace(
                    b"z9hG4bK", b"z9hG4bK%d" % n
                )
            n += 1
            try:
                s.sendto(data, target)
                told["sent"] += 1
                told["bytes"] += len(data)
            except OSError:
                told["refused"] += 1
        if n % 100 < 20:
            _drain(sockets, told)
        time.sleep(0.001)
    told["seconds"] = round(time.monotonic() - began, 3)
    end = time.monotonic() + 0.5
    while time.monotonic() < end:
        _drain(sockets, told)
        time.sleep(0.01)
    print(json.dumps(told), flush=True)


def _drain(sockets, told):
    for s, _ in sockets[:20]:
        try:
            while True:
                told["bytes_back"] += len(s.recv(4000))
                told["came"] += 1
        except OSError:
            pass


if __name__ == "__main__":
    main(*sys.argv[1:])
