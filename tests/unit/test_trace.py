# usip: tests of the ring and of what it says went wrong, on every runtime
# MIT licence; Copyright (c) 2026 the usip authors

from usip.trace import Trace

_WRAP = 1 << 30


class Flow:
    def __init__(self, transport=b"UDP", host=b"192.168.178.1", port=5060):
        self.transport = transport
        self.remote = (host, port)
        self.local = (b"192.168.178.20", 5060)


FLOW = Flow()
RTP = Flow(b"RTP", b"192.168.178.1", 7078)


def request(method, cseq=1, extra=b"", cid=b"c1", uri=b"sip:fritz.box", body=b""):
    return (
        b"%s %s SIP/2.0\r\nVia: SIP/2.0/UDP 192.168.178.20;branch=z9hG4bK%d\r\n"
        b"From: <sip:door@fritz.box>;tag=a\r\nTo: <sip:door@fritz.box>\r\nCall-ID: %s\r\n"
        b"CSeq: %d %s\r\n%sContent-Length: %d\r\n\r\n%s"
    ) % (method, uri, cseq, cid, cseq, method, extra, len(body), body)


def answer(line, method, cseq=1, extra=b"", cid=b"c1"):
    return (
        b"SIP/2.0 %s\r\nv: SIP/2.0/UDP 192.168.178.20;branch=z9hG4bK%d\r\n"
        b"f: <sip:door@fritz.box>;tag=a\r\nt: <sip:door@fritz.box>;tag=b\r\ni: %s\r\n"
        b"CSeq: %d %s\r\n%sl: 0\r\n\r\n"
    ) % (line, cseq, cid, cseq, method, extra)


AUTH = b'Authorization: Digest username="door", realm="fritz.box", response="secretsecret"\r\n'


def fails(line, method=b"INVITE", extra=b""):
    t = Trace()
    t(True, request(method), FLOW, 100)
    t(False, answer(line, method, extra=extra), FLOW, 150)
    return t.explain()


def test_well():
    t = Trace()
    assert t.explain() == "All is well" and t.lines() == []
    t(True, request(b"REGISTER"), FLOW, 100)
    assert t.explain() == "All is well"
    t(False, answer(b"401 Unauthorized", b"REGISTER"), FLOW, 120)
    t(True, request(b"REGISTER", 2, AUTH), FLOW, 130)
    t(False, answer(b"200 OK", b"REGISTER", 2), FLOW, 150)
    t(True, b"\r\n", FLOW, 9000)
    assert t.explain() == "All is well"
    assert len(t.lines()) == 5


def test_silent_registrar():
    # A FRITZ!Box does not answer at all when it does not know the user.
    t = Trace()
    for ms in (0, 500, 1500, 3500, 7500):
        t(True, request(b"REGISTER"), FLOW, _WRAP - 1000 + ms & _WRAP - 1)
    assert (
        t.explain()
        == "Not registered: no answer from 192.168.178.1:5060: wrong user name or address?"
    )
    lines = t.lines()
    assert len(lines) == 1 and lines[0].endswith("REGISTER sip:fritz.box x5"), lines
    # An answer to the next attempt settles it.
    t(True, request(b"REGISTER", 2), FLOW, 20000)
    t(False, answer(b"200 OK", b"REGISTER", 2), FLOW, 20010)
    assert t.explain() == "All is well"


def test_wrong_password():
    t = Trace()
    t(True, request(b"REGISTER"), FLOW, 0)
    t(False, answer(b"401 Unauthorized", b"REGISTER"), FLOW, 10)
    assert t.explain() == "Not registered: a password is wanted"
    t(True, request(b"REGISTER", 2, AUTH), FLOW, 20)
    t(False, answer(b"401 Unauthorized", b"REGISTER", 2), FLOW, 30)
    assert t.explain() == "Not registered: wrong password"
    t = Trace()
    t(True, request(b"INVITE", 2, b"Proxy-" + AUTH), FLOW, 20)
    t(False, answer(b"407 Proxy Authentication Required", b"INVITE", 2), FLOW, 30)
    assert t.explain() == "Call failed: wrong password"


def test_refusals():
    for line, words in (
        (b"302 Moved Temporarily", "refused"),
        (b"403 Forbidden", "forbidden: wrong password?"),
        (b"404 Not Found", "unknown there"),
        (b"408 Request Timeout", "no answer there"),
        (b"420 Bad Extension", "refused"),
        (b"480 Temporarily Unavailable", "nobody there"),
        (b"486 Busy Here", "busy"),
        (b"487 Request Terminated", "nobody answered in time"),
        (b"488 Not Acceptable Here", "no codec in common"),
        (b"500 Server Internal Error", "server trouble"),
        (b"503 Service Unavailable", "server trouble"),
        (b"603 Decline", "declined"),
    ):
        want = "Call failed: " + words + " (" + str(line, "utf-8") + ")"
        assert fails(line) == want, fails(line)
    assert fails(b"415 No", b"MESSAGE") == "MESSAGE: text not understood (415 No)"
    assert fails(b"423 Brief", b"REGISTER") == "Not registered: lifetime too short (423 Brief)"
    text = fails(b"503 No", b"REGISTER", b'Retry-After: 30\r\nWarning: 399 x "full"\r\n')
    assert text == 'Not registered: server trouble (503 No; 399 x "full"; 30)', text


def test_last_failure():
    t = Trace()
    t(True, request(b"REGISTER"), FLOW, 100)
    t(False, answer(b"403 Forbidden", b"REGISTER"), FLOW, 150)
    t(True, request(b"INVITE", cid=b"c2"), FLOW, 200)
    t(False, answer(b"486 Busy Here", b"INVITE", cid=b"c2"), FLOW, 250)
    assert t.explain().startswith("Call failed: busy")
    t(True, request(b"INVITE", cid=b"c3"), FLOW, 300)
    t(False, answer(b"180 Ringing", b"INVITE", cid=b"c3"), FLOW, 350)
    # The call goes well now; the registration still does not.
    assert t.explain().startswith("Not registered: forbidden")


def test_refused_here():
    t = Trace()
    t(False, request(b"INVITE"), FLOW, 100)
    t(True, answer(b"401 Unauthorized", b"INVITE"), FLOW, 110)
    assert t.explain() == "All is well"
    t(True, answer(b"488 Not Acceptable Here", b"INVITE"), FLOW, 110)
    assert t.explain() == "We refused INVITE: no codec in common (488 Not Acceptable Here)"


def test_strangers_leave_nothing():
    # Neither made-up methods nor answers to them may fill the memory.
    t = Trace()
    for i in range(50):
        t(False, request(b"M%d" % i), FLOW, i)
        t(True, answer(b"405 Method Not Allowed", b"M%d" % i), FLOW, i)
        t(False, answer(b"500 No", b"N%d" % i), FLOW, i)
    assert t.explain() == "All is well" and not t._fate


def test_sound():
    for packets_in, packets_out, ended, text in (
        (5, 5, True, "All is well"),
        (0, 5, True, "No sound came in: NAT or firewall?"),
        (0, 5, False, "No sound came in: NAT or firewall?"),
        (5, 0, True, "No sound went out"),
        (0, 0, False, "No sound went out"),
    ):
        t = Trace()
        t(False, bytes(172), RTP, 50)  # before the answer: does not count
        t(True, request(b"INVITE"), FLOW, 100)
        t(False, answer(b"200 OK", b"INVITE"), FLOW, 200)
        for i in range(packets_in):
            t(False, memoryview(bytes(172)), RTP, 300 + i)
        for i in range(packets_out):
            t(True, memoryview(bytes(172)), RTP, 300 + i)
        assert t.explain() == "All is well"  # too early to say
        # A re-INVITE is not another call.
        t(False, answer(b"200 OK", b"INVITE", 2), FLOW, 2000)
        t(False, request(b"BYE") if ended else request(b"INFO"), FLOW, 2300)
        assert t.explain() == text, t.explain()
        assert t.rtp == [packets_in, packets_out]


def test_note():
    t = Trace()
    t(True, request(b"REGISTER"), FLOW, 10)
    t.note(b"192.168.178.1 is unreachable", 20)
    assert t.explain() == "192.168.178.1 is unreachable"
    assert t.lines()[-1] == "20 192.168.178.1 is unreachable x1"
    t(False, answer(b"200 OK", b"REGISTER"), FLOW, 30)
    assert t.explain() == "All is well"


def test_no_secrets():
    # Neither credentials, nor the password in a URI, nor a text, nor anything of what is no SIP.
    t = Trace()
    t(True, request(b"REGISTER", extra=AUTH), FLOW, 10)
    t(False, request(b"INVITE", extra=AUTH, uri=b"sip:door:secret@fritz.box:5060"), FLOW, 20)
    t(True, request(b"MESSAGE", body=b"Warning: secret\r\n"), FLOW, 30)
    t(True, AUTH + b"secret", FLOW, 40)
    t(True, AUTH + b"\r\n" + request(b"INVITE"), FLOW, 40)
    t(True, b"INVITE sip:secret@x SIP/9.9\r\n" + AUTH + b"\r\n", FLOW, 50)
    for i in range(0, 200, 7):
        t(False, request(b"REGISTER", extra=AUTH)[i:], FLOW, 60)
    text = "".join(t.lines()) + t.explain() + str(bytes(t._buf))
    assert "secretsecret" not in text and "Digest" not in text
    assert "door:" not in text and "Warning" not in text


def test_ring():
    t = Trace(512)
    for i in range(200):
        t(True, request(b"INFO", i, cid=b"%d" % i), FLOW, i)
        lines = t.lines()
        assert lines[-1].startswith("%d > 192.168.178.1:5060 %d/" % (i, i)), lines
        assert lines[-1].endswith(" INFO sip:fritz.box x1"), lines
        for line in lines:
            assert line.endswith(" x1") and " > 192.168.178.1:5060 " in line
    assert 6 <= len(lines) <= 12
    # What comes again only counts, wherever its line lies; the counter stops at nine.
    for _ in range(20):
        t(True, request(b"INFO", 199, cid=b"199"), FLOW, 1000)
    assert t.lines()[:-1] == lines[:-1]
    assert t.lines()[-1].endswith(" x9")


def test_questions_do_not_fill_it():
    t = Trace()
    for i in range(40):
        t(False, request(b"OPTIONS", i, cid=b"o%d" % i), FLOW, i * 30000)
        t(True, answer(b"200 OK", b"OPTIONS", i), FLOW, i * 30000)
    lines = t.lines()
    assert len(lines) == 2 and lines[0].endswith("OPTIONS sip:fritz.box x9"), lines


def test_hostile():
    t = Trace()
    t(False, answer(b"486 \x1b[2J\xff\xe4\x00" + b"x" * 3000, b"INVITE"), FLOW, 10)
    t(True, request(b"INVITE"), FLOW, 10)
    t(False, answer(b"486 \x1b[2J\xff\xe4", b"INVITE"), FLOW, 10)
    t(False, b"", FLOW, 10)
    t(False, bytes(range(256)), FLOW, 10)
    t(False, b"INVITE", FLOW, 10)
    t(False, b"INVITE sip:a SIP/2.0\r\n\r\n", FLOW, 10)
    t(False, b"SIP/2.0 200 OK\r\n\r\n", FLOW, 10)
    assert t.explain() == "Call failed: busy (486 ?[2J??)", t.explain()
    for line in t.lines():
        for c in line:
            assert " " <= c <= "~"


def test_counting_allocates_nothing():
    try:
        from gc import mem_alloc

        from micropython import heap_lock, heap_unlock
    except ImportError:  # CPython
        return
    t = Trace()
    data = bytearray(172)
    n = 0
    t(True, data, RTP, 1)
    heap_lock()
    try:
        while n < 100:
            t(False, data, RTP, 1)
            t(True, data, RTP, 1)
            n += 1
    finally:
        heap_unlock()
    assert t.rtp == [100, 101]
    before = mem_alloc()
    while n < 200:
        t(False, data, RTP, 1)
        n += 1
    assert mem_alloc() - before < 100


def test_pcap():
    # The writer of the hosts, on whatever runtime has it; tshark judges it in tests/host.
    try:
        from usip_host.pcap import Pcap
    except ImportError:  # a board's path has no ports/host
        return
    out = []

    class File:
        def write(self, data):
            out.append(bytes(data))

        def flush(self):
            pass

        def close(self):
            out.append(b"closed")

    p = Pcap(File())
    p(True, memoryview(b"\r\n\r\n"), FLOW, _WRAP - 1)
    p(False, request(b"BYE", 1, AUTH), FLOW, 0)
    p(True, b"x", Flow(b"TCP", b"2001:db8::1"), 1500)
    p.close()
    assert len(out) == 8 and out[-1] == b"closed"
    assert out[0] == b"\xd4\xc3\xb2\xa1\x02\0\x04\0" + bytes(8) + b"\0\0\x04\0\x65\0\0\0"
    assert out[1][16:28] == b"\x45\0\0\x20\0\x01\0\0\x40\x11\x95\x65", out[1][16:28]
    assert out[1][28:] == (
        b"\xc0\xa8\xb2\x14\xc0\xa8\xb2\x01\x13\xc4\x13\xc4\0\x0c\xd8\xd2\r\n\r\n"
    ), out[1][28:]
    assert b"secret" not in out[2] and b'response="xxxxxxxxxxxx"' in out[2]
    assert out[6][16] == 0x60 and len(out[6]) == 16 + 40 + 20 + 1
    ms = []
    for record in out[1:7]:
        s = int.from_bytes(record[:4], "little")
        ms.append(s % 100000 * 1000 + int.from_bytes(record[4:8], "little") // 1000)
    assert ms[1] - ms[0] == 1 and ms[5] - ms[0] == 1501


def test_what_is_no_text():
    # A note of something from the network, and a ring that cuts it anywhere.
    for n in range(60):
        t = Trace(64)
        t.note(b"x" * n, 1)
        t.note(b"no way to sip:\xc3\xbc\xff@h\r\n", 1)
        assert all(c.isdigit() or c == "x" or c in "no way to sip:?@h" for c in "".join(t.lines()))
    t = Trace()
    for data in (b"", b"\x80"):
        t(False, data, RTP, 1)
