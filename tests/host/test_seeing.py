# usip: tests of the pcap writer and of the ladder, with tshark as the judge
# MIT licence; Copyright (c) 2026 the usip authors

import io
import os
import shutil
import struct
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
for folder in (".", "ports/host", "tools"):
    if str(ROOT / folder) not in sys.path:
        sys.path.insert(0, str(ROOT / folder))

import ladder  # noqa: E402
from usip_host.pcap import Pcap, redact, tee  # noqa: E402

WRAP = 1 << 30
DOOR = (b"192.168.178.20", 5060)
BOX = (b"192.168.178.1", 5060)
DOOR_RTP = (b"192.168.178.20", 16384)
BOX_RTP = (b"192.168.178.1", 7078)
RESPONSE = b"6629fae49393a05397450978507c4ef1"
NAMES = {"192.168.178.20:5060": "doorbell", "192.168.178.1": "FRITZ!Box"}


class Flow:
    def __init__(self, transport, local, remote):
        self.transport = transport
        self.reliable = transport in (b"TCP", b"TLS")
        self.local = local
        self.remote = remote


def sdp(end):
    ip = b"IP6" if b":" in end[0] else b"IP4"
    return (
        b"v=0\r\no=- 1 1 IN %s %s\r\ns=-\r\nc=IN %s %s\r\nt=0 0\r\nm=audio %d RTP/AVP 8 101\r\n"
        b"a=rtpmap:8 PCMA/8000\r\na=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-15\r\n"
    ) % (ip, end[0], ip, end[0], end[1])


def sip(line, call, cseq, extra=b"", body=b"", kind=b"application/sdp"):
    if body:
        extra += b"Content-Type: %s\r\n" % kind
    return (
        b"%s\r\nVia: SIP/2.0/UDP 192.168.178.20:5060;branch=z9hG4bK%s;rport\r\nMax-Forwards: 70\r\n"
        b"From: <sip:door@fritz.box>;tag=d00r\r\nTo: <sip:**9@fritz.box>\r\nCall-ID: %s\r\n"
        b"CSeq: %s\r\nContact: <sip:door@192.168.178.20>\r\n%sContent-Length: %d\r\n\r\n%s"
    ) % (line, cseq.replace(b" ", b""), call, cseq, extra, len(body), body)


def rtp(kind, seq, stamp, payload, ssrc=b"door", mark=0):
    return struct.pack("!BBHI", 0x80, kind | mark << 7, seq & 0xFFFF, stamp) + ssrc + payload


def auth(name):
    return (
        b'%s: Digest username="door", realm="fritz.box", nonce="4F1A", uri="sip:fritz.box", '
        b'response="%s", algorithm=MD5\r\n'
    ) % (name, RESPONSE)


def call(hook, transport=b"UDP", door=DOOR, box=BOX, now=WRAP - 600, stamp=0):
    """A whole REGISTER and INVITE call, as the doorbell's trace sees it."""
    flow = Flow(transport, door, box)
    sound = Flow(b"RTP", (door[0], DOOR_RTP[1]), (box[0], BOX_RTP[1]))
    at = [now]

    def step(out, data, ms=10, flow=flow):
        at[0] = (at[0] + ms) % WRAP
        hook(out, data, flow, at[0])

    register = sip(b"REGISTER sip:fritz.box SIP/2.0", b"reg@door", b"1 REGISTER")
    step(True, register)
    if transport == b"UDP":
        step(True, register, 500)
    challenge = b'WWW-Authenticate: Digest realm="fritz.box", nonce="4F1A"\r\n'
    step(False, sip(b"SIP/2.0 401 Unauthorized", b"reg@door", b"1 REGISTER", challenge))
    extra = auth(b"Authorization")
    step(True, sip(b"REGISTER sip:fritz.box SIP/2.0", b"reg@door", b"2 REGISTER", extra))
    step(False, sip(b"SIP/2.0 200 OK", b"reg@door", b"2 REGISTER", b"Expires: 300\r\n"))
    invite = b"INVITE sip:**9@fritz.box SIP/2.0"
    offer = sdp(sound.local)
    step(True, sip(invite, b"call@door", b"1 INVITE", auth(b"Authorization"), offer), 1000)
    step(False, sip(b"SIP/2.0 100 Trying", b"call@door", b"1 INVITE"))
    step(False, sip(b"SIP/2.0 180 Ringing", b"call@door", b"1 INVITE"), 100)
    answer = sdp(sound.remote)
    step(False, sip(b"SIP/2.0 200 OK", b"call@door", b"1 INVITE", b"", answer), 2000)
    step(True, sip(b"ACK sip:box@fritz.box SIP/2.0", b"call@door", b"1 ACK"))
    for i in range(100):
        step(True, memoryview(rtp(8, 65500 + i, i * 160 + stamp, b"\xd5" * 160)), 10, sound)
        if i != 50:
            step(False, rtp(8, i, i * 160, b"\xd5" * 160, b"bbox"), 10, sound)
    for i in range(5):  # digit 5: two updates and three ends
        event = struct.pack("!BBH", 5, 10 | (0x80 if i > 1 else 0), min(i + 1, 3) * 160)
        step(False, rtp(101, 100 + i, 16000, event, b"bbox", i == 0), 20, sound)
    body = b"Signal=#\r\nDuration=160\r\n"
    relay = sip(
        b"INFO sip:door@fritz.box SIP/2.0", b"call@door", b"7 INFO", b"", body,
        b"application/dtmf-relay",
    )  # fmt: skip
    step(False, relay)
    step(True, sip(b"SIP/2.0 200 OK", b"call@door", b"7 INFO"))
    step(False, sip(b"BYE sip:door@fritz.box SIP/2.0", b"call@door", b"8 BYE"), 100)
    step(True, sip(b"SIP/2.0 200 OK", b"call@door", b"8 BYE"))


def write(path, *flows, digits=True):
    p = Pcap(str(path), digits)
    if not flows:
        call(p)
    for transport, door, box in flows:
        call(p, transport, door, box)
    p.close()
    return str(path)


def tshark(*args):
    if not shutil.which("tshark"):
        if os.environ.get("CI"):
            pytest.fail("no tshark: apt-get install tshark")
        pytest.skip("no tshark")
    checks = []
    for option in ("ip.check_checksum", "udp.check_checksum", "tcp.check_checksum"):
        checks += ["-o", option + ":TRUE"]
    done = subprocess.run(
        ["tshark", "-n", *checks, *args], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


FLOWS = {
    "udp": (b"UDP", DOOR, BOX),
    "udp6": (b"UDP", (b"fe80::20%eth0", 5060), (b"2001:db8::1", 5060)),
    "tcp": (b"TCP", (b"192.168.178.20", 40000), BOX),
    "tcp6": (b"TCP", (b"[2001:db8::20]", 40000), (b"2001:db8::1", 5060)),
    "tls": (b"TLS", (b"192.168.178.20", 40001), (b"192.168.178.1", 5061)),
    "names": (b"UDP", (b"0.0.0.0", 5060), (b"fritz.box", 5060)),
}


@pytest.mark.parametrize("kind", FLOWS)
def test_tshark_decodes(tmp_path, kind):
    path = write(tmp_path / "a.pcap", FLOWS[kind])
    again = kind.startswith("udp") or kind == "names"
    assert len(tshark("-r", path, "-Y", "sip")) == 13 + again
    bad = "_ws.malformed || ip.checksum.status==0 || udp.checksum.status==0"
    bad += " || tcp.checksum.status==0 || tcp.analysis.flags || _ws.expert.severity==error"
    assert tshark("-r", path, "-Y", bad) == []
    assert tshark("-r", path, "-Y", "sip.CSeq.method==BYE", "-T", "fields", "-e", "sip.CSeq.seq")
    # The ports of the sound are learnt from the SDP, not told.
    if kind != "names":
        assert len(tshark("-r", path, "-Y", "rtp && rtp.p_type==8")) == 199
        assert len(tshark("-r", path, "-Y", "rtpevent.event_id==5")) == 5
    text = "\n".join(tshark("-r", path, "-V"))
    assert "6629fae4" not in text and "x" * 32 in text


def test_times(tmp_path):
    # The clock wraps at 2**30 ms; the file's does not.
    path = write(tmp_path / "a.pcap")
    times = [float(t) for t in tshark("-r", path, "-T", "fields", "-e", "frame.time_relative")]
    assert times == sorted(times) and times[0] == 0 and 5.8 < times[-1] < 5.9
    packets = ladder.read_pcap(path)
    assert abs(packets[0].time - os.path.getmtime(path)) < 60


def test_killed_program(tmp_path):
    # Whatever a killed program leaves behind opens; a record cut in two is left out.
    path = write(tmp_path / "a.pcap")
    data = Path(path).read_bytes()
    packets = ladder.read_pcap(path)
    code = "import os; from usip_host.pcap import Pcap; import test_seeing as t;"
    code += "t.call(Pcap(%r, True)); os.kill(os.getpid(), 9)"
    folders = [str(ROOT), str(ROOT / "ports/host"), str(ROOT / "tests/host")]
    subprocess.run(
        [sys.executable, "-c", code % str(tmp_path / "b.pcap")],
        env=dict(os.environ, PYTHONPATH=os.pathsep.join(folders)),
    )
    killed = ladder.read_pcap(str(tmp_path / "b.pcap"))
    assert [p.data for p in killed] == [p.data for p in packets]
    for cut in range(24, 2000, 97):
        (tmp_path / "c.pcap").write_bytes(data[:cut])
        n = len(ladder.read_pcap(str(tmp_path / "c.pcap")))
        assert n <= len(packets)


def test_full_disk():
    class Full(io.BytesIO):
        def write(self, data):
            if self.tell() > 1000:
                raise OSError(28, "No space left on device")
            return super().write(data)

    p = Pcap(Full())
    call(p)
    assert p.error.errno == 28
    p.close()


def test_redact():
    for name in (b"Authorization", b"Proxy-Authorization", b"proxy-authorization "):
        message = sip(b"INVITE sip:response=1@x SIP/2.0", b"c", b"1 INVITE", auth(name))
        assert redact(message) == message.replace(RESPONSE, b"x" * 32)
    for line, want in (
        (b"Authorization: Digest response=abc, username=response", b"response=xxx, u"),
        (b'Authorization: Digest a="response=1", \r\n response = "abc"', b'\r\n response = "xxx"'),
        (b"Authorization: Basic ZG9vcjpzZWNyZXQ=", b"Basic xxxxxxxxxxxxxxxx\r\n"),
        (b'Authentication-Info: rspauth="abc"', b'rspauth="xxx"'),
        (b"Subject: auth response=abc", b"Subject: auth response=abc"),
    ):
        message = b"OPTIONS sip:x SIP/2.0\r\n" + line + b"\r\n\r\nAuthorization: response=abc"
        out = redact(message)
        assert want in out and len(out) == len(message) and out.endswith(b"response=abc")
    assert redact(b"") == b"" and redact(b"Authorization") == b"Authorization"


def test_digits_are_hidden(tmp_path):
    # They may be a door's code. What is shown of a call is the same otherwise.
    text = ladder.text(ladder.read_pcap(write(tmp_path / "a.pcap", digits=False)))
    assert "RTP digit (hidden), 60 ms" in text and "INFO digit (hidden)" in text
    assert "digit 5" not in text and "digit #" not in text
    shown = ladder.text(ladder.read_pcap(write(tmp_path / "b.pcap")))
    for digit in "5#":
        shown = shown.replace("digit " + digit, "digit (hidden)")
    assert text.replace("~", "").split() == shown.replace("~", "").split()
    for body, want in (
        (b"Signal=5\r\nDuration=160\r\n", b"Signal=x\r\nDuration=160\r\n"),
        (b"signal = 12\nDuration=100", b"signal = xx\nDuration=100"),
        (b"Duration=90\r\nSIGNAL=*", b"Duration=90\r\nSIGNAL=x"),
        (b"5", b"x"),
        (b"#\r\n", b"x\r\n"),
    ):
        message = sip(b"INFO sip:x SIP/2.0", b"c", b"1 INFO", b"", body, b"application/dtmf-relay")
        assert redact(message) == message[: -len(body)] + want
        assert redact(message, digits=True) == message
        assert redact(message.replace(b"INFO sip", b"MESSAGE sip")).endswith(body)
    event = rtp(101, 1, 1, b"\x05\x0a\0\xa0")
    assert redact(event, True) == event[:12] + b"\xff" + event[13:]
    for other in (rtp(8, 1, 1, b"\x05\x0a\0\xa0"), rtp(101, 1, 1, b"12345"), b"", b"\x80"):
        assert redact(other, True) == other


def test_tee():
    got = []
    hook = tee(lambda *a: got.append(a), None, lambda *a: got.append(a))
    hook(True, b"x", None, 1)
    assert got == [(True, b"x", None, 1)] * 2


TEXT = """\
               doorbell                                                     FRITZ!Box
          192.168.178.20:5060                                          192.168.178.1:5060
    0.000          |----------------------- REGISTER (1) ---------------------->|
    0.500          |-------------------- REGISTER (1) again ------------------->|
    0.510          |<------------- 401 Unauthorized (1 REGISTER) ---------------|
    0.520          |----------------------- REGISTER (2) ---------------------->|
    0.530          |<------------------ 200 OK (2 REGISTER) --------------------|
    1.530          |--------------------- INVITE +SDP (1) --------------------->|
    1.540          |<----------------- 100 Trying (1 INVITE) -------------------|
    1.640          |<----------------- 180 Ringing (1 INVITE) ------------------|
    3.640          |<----------------- 200 OK +SDP (1 INVITE) ------------------|
    3.650          |------------------------- ACK (1) ------------------------->|
    3.660          |=============== RTP PCMA, 100 packets, 2.0 s ==============>|
    3.670          |<========== RTP PCMA, 104 packets, 2.1 s, 1 lost ===========|
    5.660          |<~~~~~~~~~~~~~~~~~~~ RTP digit 5, 60 ms ~~~~~~~~~~~~~~~~~~~~|
    5.750          |<~~~~~~~~~~~~~~~~~~~~ INFO digit # (7) ~~~~~~~~~~~~~~~~~~~~~|
    5.760          |--------------------- 200 OK (7 INFO) --------------------->|
    5.860          |<------------------------ BYE (8) --------------------------|
    5.870          |---------------------- 200 OK (8 BYE) --------------------->|
"""


def test_text(tmp_path):
    packets = ladder.read_pcap(write(tmp_path / "a.pcap"))
    assert ladder.text(packets, NAMES, 90) == TEXT


def test_text_is_as_wide_as_asked(tmp_path):
    packets = ladder.read_pcap(write(tmp_path / "a.pcap"))
    for width in (40, 57, 200):
        lines = ladder.text(packets, NAMES, width).splitlines()
        assert max([len(line) for line in lines]) <= width
    assert ladder.text([]).startswith("nothing to draw")


def test_call_id(tmp_path):
    packets = ladder.read_pcap(write(tmp_path / "a.pcap"))
    text = ladder.text(packets, NAMES, 90, "call@")
    assert "REGISTER" not in text and "0.000" in text.splitlines()[2]
    # Sound belongs to the call whose SDP named its address.
    assert "INVITE" in text and "RTP PCMA, 100" in text and "digit 5" in text
    text = ladder.text(packets, NAMES, 90, "reg@door")
    assert "REGISTER" in text and "INVITE" not in text and "RTP" not in text


def test_two_files_one_ladder(tmp_path):
    # The doorbell's trace and the phone's have seen the same: it is drawn once.
    first = ladder.read_pcap(write(tmp_path / "a.pcap"))
    second = ladder.read_pcap(write(tmp_path / "b.pcap"))
    third = ladder.read_pcap(write(tmp_path / "c.pcap", FLOWS["udp6"]))
    assert len(ladder.merge([first, second])) == len(first)
    assert ladder.text(ladder.merge([first]), NAMES, 90) == TEXT
    assert len(ladder.merge([first, third])) == len(first) + len(third)


def frames(link, path, source):
    """The packets of a RAW capture as another link type carries them."""
    data = Path(source).read_bytes()
    out = struct.pack(">IHHiIII", 0xA1B23C4D, 2, 4, 0, 0, 65535, link)
    at = 24
    while at < len(data):
        seconds, us, size, _ = struct.unpack_from("<IIII", data, at)
        ip = data[at + 16 : at + 16 + size]
        at += 16 + size
        kind = b"\x08\x00" if ip[0] >> 4 == 4 else b"\x86\xdd"
        head = {
            0: b"\x02\0\0\0",
            1: bytes(12) + b"\x81\x00\x00\x07" + kind,
            113: bytes(14) + kind,
            276: kind + bytes(18),
        }[link]
        pad = b"\0" * 7 if link == 1 else b""  # short frames are padded
        size = len(head) + len(ip) + len(pad)
        out += struct.pack(">IIII", seconds, us * 1000, size, size) + head + ip + pad
    path.write_bytes(out)
    return str(path)


@pytest.mark.parametrize("link", (0, 1, 113, 276))
@pytest.mark.parametrize("kind", ("udp", "udp6", "tcp6"))
def test_link_types(tmp_path, link, kind):
    raw = write(tmp_path / "a.pcap", FLOWS[kind])
    other = frames(link, tmp_path / "b.pcap", raw)
    want = [(p.src, p.dst, p.data) for p in ladder.read_pcap(raw)]
    assert [(p.src, p.dst, p.data) for p in ladder.read_pcap(other)] == want


def test_not_a_capture(tmp_path, capsys):
    for data in (b"", b"\x0a\x0d\x0d\x0a" + bytes(40), b"hello" * 10):
        (tmp_path / "x").write_bytes(data)
        with pytest.raises(ladder.LadderError):
            ladder.read_pcap(str(tmp_path / "x"))
        assert ladder.main([str(tmp_path / "x")]) == 1
    assert ladder.main([str(tmp_path / "no such file")]) == 1
    assert "Traceback" not in capsys.readouterr().err


def test_tcp_in_pieces(tmp_path):
    # Segments end where they like, come twice, and one may hold two messages.
    one = sip(b"OPTIONS sip:a SIP/2.0", b"c1", b"1 OPTIONS", b"", b"body", b"text/plain")
    two = sip(b"SIP/2.0 200 OK", b"c1", b"1 OPTIONS")
    stream = b"\r\n\r\n" + one + b"\r\n" + two
    flow = Flow(b"TCP", (b"10.0.0.1", 40000), (b"10.0.0.2", 5060))
    for size in (1, 7, 100, len(stream)):
        p = Pcap(str(tmp_path / "a.pcap"))
        for i in range(0, len(stream), size):
            p(True, stream[i : i + size], flow, i)
        p.close()
        assert [m.data for m in ladder.read_pcap(str(tmp_path / "a.pcap"))] == [one, two]


def test_fragments(tmp_path):
    # An INVITE longer than the network's packets.
    big = sip(b"INVITE sip:a SIP/2.0", b"c1", b"1 INVITE", b"X: " + b"y" * 3000 + b"\r\n")
    path = tmp_path / "a.pcap"
    p = Pcap(str(path))
    p(True, big, Flow(b"UDP", DOOR, BOX), 0)
    p.close()
    data = path.read_bytes()
    ip, udp = data[40:60], data[60:]
    out = data[:24]
    for at in (2960, 0, 1480):
        piece = udp[at : at + 1480]
        more = 0x2000 if at + 1480 < len(udp) else 0
        head = ip[:2] + struct.pack("!HHH", 20 + len(piece), 7, at // 8 | more) + ip[8:]
        out += struct.pack("<IIII", 1, 0, 20 + len(piece), 20 + len(piece)) + head + piece
    path.write_bytes(out)
    assert [m.data for m in ladder.read_pcap(str(path))] == [big]


class Page(HTMLParser):
    """Collects tags and text; an element that is not closed, or twice, fails."""

    VOID = ("meta", "input", "wbr")

    def __init__(self):
        super().__init__()
        self.open = []
        self.tags = []
        self.text = []

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] != "style":
            self.text.append(data)


def page(text):
    p = Page()
    p.feed(text)
    p.close()
    assert p.open == []
    for tag, attrs in p.tags:
        # Nothing to fetch, nothing that runs.
        assert tag not in ("script", "link", "img", "iframe", "object", "embed", "base", "form")
        for name in attrs:
            assert name not in ("src", "href", "srcset", "action") and not name.startswith("on")
    assert "url(" not in text and "@import" not in text and "://" not in text
    return p


def test_html(tmp_path):
    packets = ladder.read_pcap(write(tmp_path / "a.pcap"))
    p = page(ladder.html(packets, NAMES, title="A call"))
    text = "".join(p.text)
    assert len([t for t in p.tags if t[0] == "details"]) == 14
    for words in ("doorbell", "FRITZ!Box", "REGISTER", "again", "401 Unauthorized", "RTP digit 5"):
        assert words in text
    # The whole message is there, but for what would give the password away.
    assert "m=audio 16384 RTP/AVP 8 101\na=rtpmap:8 PCMA/8000" in text
    assert RESPONSE.decode() not in text and 'response="' + "x" * 32 + '"' in text
    # One call is picked without a script.
    assert len([t for t in p.tags if t[0] == "input"]) == 3
    p = page(ladder.html(packets, NAMES, call_id="reg@"))
    assert len([t for t in p.tags if t[0] == "details"]) == 5
    page(ladder.html([]))


def test_a_capture_by_others_is_redacted_too(tmp_path):
    message = sip(b"INVITE sip:a SIP/2.0", b"c", b"1 INVITE", auth(b"Authorization"))
    shown = ladder.html([ladder.Packet(0, "1.1.1.1:1", "2.2.2.2:2", message)])
    assert RESPONSE.decode() not in shown


def test_hostile_messages():
    evil = b"<script>alert(1)</script>\"'><img src=x onerror=alert(1)>&amp;</pre></details>"
    steer = b"\x1b[2J\x00\x9b\xff\xe2\x80\xae"
    packets = []
    for line in (
        b"MESSAGE sip:" + evil.replace(b" ", b"") + b" SIP/2.0",
        b"SIP/2.0 200 " + evil + steer,
        b"<script>x</script> sip:a SIP/2.0",
        b"INFO sip:a SIP/2.0",
    ):
        extra = b"Subject: " + evil + steer + b"\r\n" + evil + b": x\r\n"
        message = sip(line, evil, b"1 " + evil, extra, evil + steer, evil)
        packets.append(ladder.Packet(0, "1.1.1.1:1", "2.2.2.2:2", message))
        packets.append(ladder.Packet(0, "2.2.2.2:2", "1.1.1.1:1", message[:-400] + steer))
    for body in (
        b"m=audio 99999999 x\r\nc=IN IP4 <b>\r\na=rtpmap:999 <b>\r\nm=\r\nm=audio\r\nc=\r\nm=a -1",
        b"c=IN IP4 1.1.1.1\r\nm=audio 7 RTP/AVP 0\r\na=rtpmap:0 <script>",
    ):
        message = sip(b"INVITE sip:a SIP/2.0", b"x", b"1 INVITE", b"", body)
        packets.append(ladder.Packet(0, "1.1.1.1:1", "2.2.2.2:2", message))
    for i in range(12, 40):
        packets.append(ladder.Packet(0, "1.1.1.1:7", "2.2.2.2:7", bytes([143, 101]) + bytes(i)))
    names = {"1.1.1.1": evil.decode()}
    p = page(ladder.html(packets, names, title=evil.decode()))
    text = "".join(p.text)
    assert "Subject: " + evil.decode() in text
    assert "\x1b" not in text and "\0" not in text and "\u202e" not in text
    drawn = ladder.text(packets, names)
    assert "\x1b" not in drawn and "\0" not in drawn and "\u202e" not in drawn


def test_command(tmp_path):
    path = write(tmp_path / "a.pcap")
    page_path = tmp_path / "a.html"
    names = ["--name", "192.168.178.20:5060=doorbell", "--name", "192.168.178.1=FRITZ!Box"]
    done = subprocess.run(
        [sys.executable, str(ROOT / "tools/ladder.py"), path, "--html", str(page_path)]
        + ["--width", "90"]
        + names,
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, TEXT, "")
    page(page_path.read_text(encoding="utf-8"))
