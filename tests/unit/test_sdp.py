# usip: tests of usip.sdp
# MIT licence; Copyright (c) 2026 the usip authors

from usip import limits
from usip.errors import ProtocolError
from usip.sdp import Session

HOST = b"192.0.2.1"


def session(**more):
    return Session(HOST, 4000, **more)


def offer(*lines, c=b"c=IN IP4 192.0.2.7"):
    return (
        b"\r\n".join((b"v=0", b"o=x 1 1 IN IP4 192.0.2.9", b"s=-", c, b"t=0 0") + lines) + b"\r\n"
    )


AUDIO = b"m=audio 6000 RTP/AVP 8 0 101"
EVENT = b"a=rtpmap:101 telephone-event/8000"
PLAIN = offer(AUDIO, EVENT)


def lines(body, kind):
    assert body.endswith(b"\r\n")
    return [x[2:] for x in body[:-2].split(b"\r\n") if x[:2] == kind]


def version(body):
    return int(lines(body, b"o=")[0].split()[2])


def status(f, *args):
    try:
        f(*args)
    except ProtocolError as e:
        return e.status
    return 0


def test_offer_as_written():
    body = session().offer()
    head, tail = body.split(b" 1 IN", 1)
    assert head.startswith(b"v=0\r\no=- ")
    assert 0 <= int(head[9:]) < 1 << 30
    assert tail == (
        b" IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\nm=audio 4000 RTP/AVP 8 0 101\r\n"
        b"a=rtpmap:8 PCMA/8000\r\na=rtpmap:0 PCMU/8000\r\n"
        b"a=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-15\r\na=ptime:20\r\na=sendrecv\r\n"
    )
    body = Session(b"2001:db8::1", 4000, (0,), None).offer("sendonly")
    assert lines(body, b"c=") == [b"IN IP6 2001:db8::1"]
    assert lines(body, b"m=") == [b"audio 4000 RTP/AVP 0"]
    assert lines(body, b"a=")[-1] == b"sendonly"
    assert lines(Session(b"[::1]", 2).offer(), b"c=") == [b"IN IP6 ::1"]


def test_answer_in_the_order_of_the_offer():
    s = session()
    body = s.answer(offer(b"m=audio 6000 RTP/AVP 9 0 96 8 0", b"a=rtpmap:96 Telephone-Event/8000"))
    assert lines(body, b"m=") == [b"audio 4000 RTP/AVP 0 8 96"]
    assert s.remote == (b"192.0.2.7", 6000, 0, 96, 96, "sendrecv", 20, 6001)
    assert b"a=fmtp:96 0-15" in body
    # from now on 96 is our number too (RFC 3264 8.3.2)
    assert lines(s.offer(), b"m=") == [b"audio 4000 RTP/AVP 8 0 96"]


def test_accept():
    s = session()
    s.offer()
    s.accept(
        offer(b"m=audio 6000 RTP/AVP 0 97", b"a=rtpmap:97 telephone-event/8000", b"a=ptime:40")
    )
    assert s.remote == (b"192.0.2.7", 6000, 0, 97, 101, "sendrecv", 40, 6001)
    s.accept(offer(b"m=audio 6000 RTP/AVP 8"))
    assert s.remote == (b"192.0.2.7", 6000, 8, None, None, "sendrecv", 20, 6001)


def test_g722_where_it_is_wanted():
    # RFC 3551 4.5.2: its clock is called 8000. 9 needs no rtpmap.
    body = session(codecs=(9, 8)).offer()
    assert lines(body, b"m=")[0] == b"audio 4000 RTP/AVP 9 8 101"
    assert b"rtpmap:9 G722/8000" in lines(body, b"a=")
    theirs = offer(b"m=audio 6000 RTP/AVP 9 8")
    s = session(codecs=(8, 9))
    assert b" 9 8" in lines(s.answer(theirs), b"m=")[0]
    assert s.remote.payload_type == 9
    s = session()
    assert b" 9" not in lines(s.answer(theirs), b"m=")[0]
    assert s.remote.payload_type == 8
    # one that calls it by the rate of its sound means something else, who knows what
    s = session(codecs=(9, 8))
    s.answer(offer(b"m=audio 6000 RTP/AVP 9 8", b"a=rtpmap:9 G722/16000"))
    assert s.remote.payload_type == 8


def test_nothing_in_common():
    for body in (
        offer(b"m=audio 6000 RTP/AVP 9 18"),
        offer(b"m=audio 0 RTP/AVP 0 8"),
        offer(b"m=audio 6000 RTP/SAVP 0 8"),
        offer(b"m=video 6000 RTP/AVP 0 8"),
        offer(b"m=audio 6000 RTP/AVP 0", b"a=rtpmap:0 G729/8000"),
        offer(b"m=audio 6000 RTP/AVP 101", EVENT),
        offer(),
        offer(*[AUDIO] * (limits.MEDIA_LINES + 1)),
        offer(AUDIO, b"m=video 1 RTP/AVP" + b" 31" * 200),
        offer(AUDIO, *[b"m=video 1 RTP/AVP" + b" 31" * 60] * 4),
    ):
        s = session()
        assert status(s.answer, body) == 488
        assert s.remote is None
        assert len(lines(s.offer(), b"m=")) == 1
    assert status(session().accept, offer(b"m=audio 0 RTP/AVP 0")) == 488
    assert status(session().accept, offer()) == 488


def test_unreadable():
    for body in (
        b"",
        b"hello",
        b"\xff\x00\n\n\r",
        offer(b"m=audio"),
        offer(b"m=audio x RTP/AVP 0"),
        offer(b"m=audio +1 RTP/AVP 0"),
        offer(b"m=audio 65536 RTP/AVP 0"),
        offer(b"m=audio 1 RTP/AVP 128"),
        offer(b"m=audio 1 RTP/AVP 0 1_0"),
        offer(b"m=audio 1 RTP/AVP 0", b"m=vi\x00deo 1 x 1"),
        b"v=0\nm=audio 1 RTP/AVP 0",
        b"v=0\nc=IN IP4 a;b\nm=audio 1 RTP/AVP 0",
        b"v=0\nc=IN IP4 /1\nm=audio 1 RTP/AVP 0",
        b"v=0\nc=IN IP4 " + b"h" * 300 + b"\nm=audio 1 RTP/AVP 0",
    ):
        assert status(session().answer, body) == 400, body
    assert status(session().answer, b"v=" + b"0" * limits.BODY_MAX) == 413


def test_tolerant_reading():
    s = session()
    s.answer(b"m=audio 6000/2 rtp/avp 000 \n  c=in ip6  2001:DB8::1 \nz\n=\nfoo=1\na=\na=rtpmap:\n")
    assert s.remote == (b"2001:DB8::1", 6000, 0, None, None, "sendrecv", 20, 6001)
    # the media's c= over the session's over the o= line's; TTL; names
    s.answer(offer(AUDIO, b"c=IN IP4 phone.example/127", EVENT))
    assert s.remote.host == b"phone.example"
    s.answer(offer(AUDIO, c=b"i=no address"))
    assert s.remote.host == b"192.0.2.9"
    # attributes: white space, case, one channel, session level, what is not for this line
    s.answer(
        offer(
            b"a=recvonly",
            b"m=audio\t6000 RTP/AVP  8 0\t99",
            b"a=rtpmap: 99\ttelephone-event/8000/1 ",
            b"A=SENDONLY",
            b"a=rtpmap:0 pcmu/8000/1",
            b"a=rtpmap:8 L16/8000",
            b"a=rtpmap:98 telephone-event/8000",
        )
    )
    assert s.remote == (b"192.0.2.7", 6000, 0, 99, 99, "sendonly", 20, 6001)
    # telephone-event at another rate belongs to another codec
    s.answer(offer(b"m=audio 6000 RTP/AVP 8 99", b"a=rtpmap:99 telephone-event/48000"))
    assert s.remote.event_type is None


def test_ptime_in_range():
    for text, ptime in (
        (b"30", 30),
        (b" 60 ", 60),
        (b"0", 20),
        (b"-20", 20),
        (b"61", 20),
        (b"99999999999", 20),
        (b"20.5", 20),
        (b"", 20),
    ):
        s = session()
        s.answer(offer(AUDIO, b"a=ptime:" + text))
        assert s.remote.ptime == ptime, text


def test_other_media_is_refused_in_place():
    s = session()
    body = s.answer(
        offer(
            b"m=video 7000 RTP/AVP 31 32",
            b"c=IN IP4 198.51.100.1",
            b"a=sendonly",
            b"m=audio 7002 RTP/SAVP 8 0",
            AUDIO,
            EVENT,
            b"m=audio 7004 RTP/AVP 0",
            b"m=application 9 UDP/BFCP *",
        )
    )
    want = [
        b"video 0 RTP/AVP 31 32",
        b"audio 0 RTP/SAVP 8 0",
        b"audio 4000 RTP/AVP 8 0 101",
        b"audio 0 RTP/AVP 0",
        b"application 0 UDP/BFCP *",
    ]
    assert lines(body, b"m=") == want
    assert s.remote == (b"192.0.2.7", 6000, 8, 101, 101, "sendrecv", 20, 6001)
    # RFC 3264 8: our own offer later has no fewer lines, and the answer is read at our line
    assert lines(s.offer(), b"m=") == want
    no = b"m=video 0 RTP/AVP 31"
    s.accept(offer(no, no, b"m=audio 6002 RTP/AVP 0", no, no))
    assert s.remote.port == 6002 and s.remote.payload_type == 0
    assert status(s.accept, offer(b"m=audio 6002 RTP/AVP 0")) == 488
    # a refused offer changes nothing
    assert status(s.answer, offer(no)) == 488
    assert lines(s.offer(), b"m=") == want and s.remote.port == 6002


def test_directions():
    # theirs, what we wish, hold, ours (RFC 3264 6.1)
    for theirs, wish, hold, ours in (
        (b"sendrecv", "sendrecv", False, "sendrecv"),
        (b"sendonly", "sendrecv", False, "recvonly"),
        (b"recvonly", "sendrecv", False, "sendonly"),
        (b"inactive", "sendrecv", False, "inactive"),
        (b"sendrecv", "sendrecv", True, "sendonly"),
        (b"sendonly", "sendrecv", True, "inactive"),
        (b"recvonly", "sendrecv", True, "sendonly"),
        (b"sendrecv", "recvonly", False, "recvonly"),
        (b"sendrecv", "recvonly", True, "inactive"),
        (b"recvonly", "recvonly", False, "inactive"),
    ):
        s = session()
        s.offer(wish)
        s.hold(hold)
        body = s.answer(offer(AUDIO, b"a=" + theirs))
        assert lines(body, b"a=")[-1] == ours.encode(), (theirs, wish, hold)
        assert s.remote.direction == ours
        # The same as an offer of ours that they answer so.
        s = session()
        s.hold(hold)
        s.offer(wish)
        s.hold(not hold)  # a wish for the next time: does not change what was offered
        s.accept(offer(AUDIO, b"a=" + theirs))
        assert s.remote.direction == ours


def test_old_hold():
    s = session()
    body = s.answer(offer(AUDIO, c=b"c=IN IP4 0.0.0.0"))
    assert s.remote.direction == "recvonly" and lines(body, b"a=")[-1] == b"recvonly"
    s.answer(offer(AUDIO, b"a=recvonly", c=b"c=IN IP6 ::"))
    assert s.remote.direction == "inactive"


def test_hold_and_back():
    s = session()
    s.answer(PLAIN)
    s.hold(True)
    assert lines(s.offer(), b"a=")[-1] == b"sendonly"
    s.back()  # refused
    assert lines(s.offer(), b"a=")[-1] == b"sendrecv"
    s.hold(True)
    s.offer()
    s.accept(offer(AUDIO, b"a=recvonly"))
    assert s.remote.direction == "sendonly"
    s.hold(False)
    s.offer()
    s.back()
    assert lines(s.offer(), b"a=")[-1] == b"sendonly"


def test_version_counts_changes_only():
    s = session()
    a = s.offer()
    assert version(a) == 1 and s.offer() is not None and version(s.offer()) == 1
    s.accept(PLAIN)
    s.hold(True)
    assert version(s.offer()) == 2
    s.hold(False)
    s.host = b"192.0.2.2"
    b = s.offer()
    assert version(b) == 3 and s.offer() == b
    s.port = 4002
    assert version(s.offer()) == 4
    assert lines(a, b"o=")[0].split()[1] == lines(b, b"o=")[0].split()[1]
    c = s.answer(offer(AUDIO, EVENT))
    assert version(c) == 4 and s.answer(offer(AUDIO, EVENT)) == c


def test_time_line_is_the_offer_s():
    body = PLAIN.replace(b"t=0 0", b"t=3034423619 3042462419")
    assert lines(session().answer(body), b"t=") == [b"3034423619 3042462419"]
    assert lines(session().answer(PLAIN.replace(b"t=0 0", b"t=now")), b"t=") == [b"0 0"]


def test_no_telephone_event():
    s = session(event_type=None)
    assert b"telephone" not in s.answer(PLAIN)
    assert s.remote.event_type is None and s.remote.event_type_in is None
    s.offer()
    s.accept(PLAIN)
    assert s.remote.event_type is None and s.remote.event_type_in is None


def test_long_codec_list():
    many = b"m=audio 6000 RTP/AVP " + b" ".join([b"%d" % n for n in range(64)])
    s = session()
    s.answer(offer(many))
    assert s.remote.payload_type == 0
    assert len(many) < 250


def test_two_sessions_agree():
    for ours, theirs in (((8, 0), (0, 8)), ((0,), (8, 0)), ((8,), (8,))):
        a, b = Session(HOST, 4000, ours, 96), Session(b"2001:db8::2", 5000, theirs, 101)
        a.accept(b.answer(a.offer()))
        assert a.remote.payload_type == b.remote.payload_type
        assert a.remote.event_type == b.remote.event_type == 96
        b.hold(True)
        b.accept(a.answer(b.offer()))
        assert (a.remote.direction, b.remote.direction) == ("recvonly", "sendonly")
        assert (a.remote.host, a.remote.port) == (b"2001:db8::2", 5000)


def test_where_rtcp_goes():
    s = session()
    s.answer(offer(AUDIO))
    assert s.remote.rtcp == s.remote.port + 1  # RFC 3550 11
    answer = s.answer(offer(AUDIO, b"a=rtcp:7005 IN IP4 192.0.2.7"))
    assert s.remote.rtcp == 7005 and b"rtcp" not in answer  # RFC 3605
    answer = s.answer(offer(AUDIO, b"a=rtcp-mux"))
    assert s.remote.rtcp == s.remote.port and answer.count(b"\r\na=rtcp-mux\r\n") == 1  # RFC 5761
    # Our next offer keeps it; an answer without it ends it
    assert b"a=rtcp-mux" in s.offer()
    s.accept(offer(AUDIO))
    assert s.remote.rtcp == s.remote.port + 1 and b"a=rtcp-mux" not in s.offer()
    # We never ask for it first
    s = session()
    assert b"rtcp" not in s.offer()
    s.answer(offer(b"m=audio 65535 RTP/AVP 8"))  # no port above it: sendto() would raise
    assert s.remote.rtcp == s.remote.port == 65535
    for bad in (b"a=rtcp:0", b"a=rtcp:65536", b"a=rtcp:x", b"a=rtcp:", b"a=rtcp"):
        s.answer(offer(AUDIO, bad))
        assert s.remote.rtcp == s.remote.port + 1, bad
