"""Datagrams that are queued when the phone looks: none lost, none joined, however long."""

import socket

SLOW = True
PEER = "socket"


def _options(host, port, to, number, filler):
    lines = [
        f"OPTIONS sip:door@{to} SIP/2.0",
        f"Via: SIP/2.0/UDP {host}:{port};branch=z9hG4bKburst{number}",
        f"From: <sip:rig@{host}>;tag=1",
        f"To: <sip:door@{to}>",
        "Max-Forwards: 70",
        f"Call-ID: burst{number}",
        "CSeq: 1 OPTIONS",
        "Subject: " + "x" * filler,
        "Content-Length: 0",
    ]
    return "\r\n".join([*lines, "", ""]).encode()


def test_burst(rig, runtime):
    """datagrams that come at once, of 240 to 2,000 bytes, are answered one by one"""
    phone = rig.listener(runtime)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.bind((rig.ip(), 5060))
        s.settimeout(5)
        sizes = [0, 0, 1260, 0, 1700, 0, 9000, 0, 1200, 0]
        for number, filler in enumerate(sizes):
            s.sendto(_options(*s.getsockname(), phone.ip, number, filler), (phone.ip, 5060))
        answers = [s.recv(4000).decode() for _ in sizes[1:]]
    assert all(a.startswith("SIP/2.0 200 ") for a in answers)
    numbers = [a.split("Call-ID: burst")[1].split("\r\n")[0] for a in answers]
    # The one that does not fit into the buffer is dropped, and nothing else with it.
    assert numbers == [str(n) for n in range(len(sizes)) if sizes[n] < 9000]
    phone.stop()
