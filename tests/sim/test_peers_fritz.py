# usip: a FRITZ!Box as the field knows it
# MIT licence; Copyright (c) 2026 the usip authors

from pbx import Door
from sip import request
from usip import limits
from usip.message import parse

CHALLENGE = b'Digest realm="fritz.box", nonce="%s"'  # no qop, no algorithm
BOX = b"sip:6D73F0C2A1@192.0.2.9:5060;uniq=4C1F0AA9"
SDP = (
    b"v=0\r\no=user 4711 4711 IN IP4 192.0.2.9\r\ns=call\r\nc=IN IP4 192.0.2.9\r\nt=0 0\r\n"
    b"m=audio 7078 RTP/AVP 9 8 0 2 102 100 99 97 101\r\na=sendrecv\r\na=rtpmap:2 G726-32/8000\r\n"
    b"a=rtpmap:102 G726-32/8000\r\na=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-15\r\n"
    b"a=rtcp:7079\r\n"
)


def door(**more):
    d = Door(b"fritz.box", **more)
    d.registration.start(d.now)
    d.reply(b"REGISTER", 401, (b"WWW-Authenticate", CHALLENGE % b"A1"))
    m = d.last()
    assert m.uri == b"sip:fritz.box"  # 1: bare, or it is dropped in silence
    assert d.right(m) and b"qop" not in m.get("authorization")  # 2: RFC 2069's form
    d.reply(b"REGISTER", 200, (b"Contact", m.get("contact") + b";expires=300"))
    assert d.events == [("registered", 300)]  # 12: shorter than asked
    d.events.clear()
    return d


def test_refreshed_from_what_is_granted():
    d = door()
    d.run(268_000 // 2 - 1)
    assert d.count(b"REGISTER") == 2
    while d.count(b"REGISTER") == 2:
        d.run(1000)
    assert d.wire.t < 268_000 + 1000 and d.right(d.last())


def test_qop_auth_too():
    d = Door(b"fritz.box")
    d.registration.start(d.now)
    d.reply(b"REGISTER", 401, (b"WWW-Authenticate", CHALLENGE % b"A1" + b', qop="auth"'))
    assert d.right(d.last()) and b"qop=auth" in d.last().get("authorization")


def test_invite_is_challenged_with_401():
    d = door()
    c = d.dial(b"sip:**9@fritz.box")
    first = d.last(b"INVITE")
    # 6: codes are never touched
    assert first.uri == b"sip:**9@fritz.box" and first.get("to") == b"<sip:**9@fritz.box>"
    d.reply(b"INVITE", 100, tag=b"")
    d.reply(b"INVITE", 401, (b"WWW-Authenticate", CHALLENGE % b"B2"))
    m = d.last(b"INVITE")
    # 3: the ACK of the 401, then a new branch, the next CSeq, the same Call-ID and From tag
    ack = d.last(b"ACK")
    assert (ack.branch, ack.cseq, ack.to_tag) == (first.branch, first.cseq, b"pbx")
    assert (m.call_id, m.from_tag, m.cseq) == (first.call_id, first.from_tag, first.cseq + 1)
    assert m.branch != first.branch and not m.to_tag and d.right(m)
    contact = (b"Contact", b"<" + BOX + b">")
    d.reply(b"INVITE", 183, contact, body=SDP)
    d.reply(b"INVITE", 200, contact, body=SDP)
    assert d.names() == ["trying", "early-media", "answered", "media"] and c.state == b"E"
    assert (c.sdp.remote.payload_type, c.sdp.remote.port) == (8, 7078)
    assert d.last(b"ACK").uri == BOX
    c.hangup(d.now)
    assert d.last().uri == BOX


def test_codes_of_the_box():
    d = door()
    for uri in (
        b"sip:**610@fritz.box",
        b"sip:11@fritz.box",
        b"sip:%2A%2A9@fritz.box",
        b"sip:#96*0*@fritz.box",
    ):
        c = d.dial(uri)
        assert d.last(b"INVITE").uri == uri
        c.abandon(d.now)


def test_its_invite():
    # 5: session timers, odd Contact, IPv6 literals
    d = door()
    data = request(
        b"INVITE",
        uri=b"sip:door@192.0.2.1:5060",  # 4: to the Contact's URI
        via=b"SIP/2.0/UDP [2001:db8::1]:5060;rport;branch=z9hG4bKB74C9A2D8B1C4E39",
        me=b'"Haust\xc3\xbcr" <sip:**620@fritz.box>;tag=9D5C1B7FB5A3E2B0',
        you=b"<sip:door@fritz.box>",
        call_id=b"3C1F8E2B7A@2001:db8::1",
        cseq=8,
        more=(
            b"Contact",
            b"<sip:6D73F0C2A1@[2001:db8::1];uniq=4C1F0AA9>",
            b"Expires",
            b"120",
            b"User-Agent",
            b"AVM FRITZ!Box 7590 154.07.57 TAL",
            b"Supported",
            b"100rel,replaces,timer",
            b"Session-Expires",
            b"600;refresher=uac",
            b"Min-SE",
            b"90",
            b"Allow-Events",
            b"telephone-event,refer",
            b"P-Called-Party-ID",
            b"<sip:door@fritz.box;user=phone>",
        ),
        body=SDP,
    )
    m = d.receive(data)
    assert m.status == 180 and d.names() == ["incoming"]
    assert b"received=192.0.2.9" in m.via_params and b"rport=5060" in m.via_params
    d.call.answer(d.now)
    m = d.last()
    assert m.status == 200 and not m.get("require") and not m.get("session-expires")
    assert d.call.dialog.target == b"sip:6D73F0C2A1@[2001:db8::1];uniq=4C1F0AA9"
    asked = []
    flow = d.wire.flow

    def ask(host, port, transport=b"UDP"):
        asked.append((host, port))
        return flow(host, port)

    d.receive(
        data.replace(b"INVITE sip", b"ACK sip")
        .replace(b"8 INVITE", b"8 ACK")
        .replace(b"To: <sip:door@fritz.box>", b"To: " + m.get("to"))
        .replace(b"A2D8B1C4E39", b"ACK")
    )
    assert d.call.state == b"E"
    d.wire.flow = ask
    d.call.hangup(d.now)
    assert asked[-1] == (b"2001:db8::1", 5060)  # no brackets towards the sockets
    assert d.last().call_id == b"3C1F8E2B7A@2001:db8::1"


def test_its_options_are_answered():
    # 4: or the registration is dropped
    d = door()
    m = d.receive(request(b"OPTIONS", uri=b"sip:door@192.0.2.1:5060", me=b"<sip:fritz.box>;tag=1"))
    assert m.status == 200


def test_silence_for_a_wrong_user():
    # 9: silence or 408, never 403: back off, and say what may be wrong
    d = Door(b"fritz.box", b"wrong")
    d.registration.start(d.now)
    d.run(32_000)
    assert d.events == [("registration-failed", "no answer from the registrar")]
    d.run(1200_000)
    n = d.names().count("registration-failed")
    # Once a minute, and no more than four datagrams then
    assert 10 < n < 30 and d.count(b"REGISTER") <= 3 * 11 + n * 4
    d = Door(b"fritz.box", b"wrong")
    d.registration.start(d.now)
    d.reply(b"REGISTER", 408)
    assert d.events[0][0] == "registration-failed"


def test_wrong_password_does_not_lock_the_account():
    d = Door(b"fritz.box")
    d.registration.start(d.now)
    tries = 0
    for _ in range(400):
        m = d.last()
        del d.wire.sent[:-1]  # an hour of them does not fit into 64 KB
        if m.get("authorization"):
            tries += 1
        d.reply(b"REGISTER", 401, (b"WWW-Authenticate", CHALLENGE % (b"N%d" % tries)))
        n = d.count(b"REGISTER")
        while d.count(b"REGISTER") == n and d.wire.t < 3600_000:
            d.run(1000)
        if d.wire.t >= 3600_000:
            break
    # In an hour no more than a handful of guesses
    assert 5 < tries < 25, tries
    assert ("registration-failed", "wrong user name or password") in d.events


def test_digits_by_info():
    # 7: when no telephone-event was offered
    d = door()
    d.dial(b"sip:**9@fritz.box")
    plain = SDP.replace(b" 101\r\n", b"\r\n").replace(b"a=rtpmap:101 telephone-event/8000\r\n", b"")
    d.reply(b"INVITE", 200, (b"Contact", b"<" + BOX + b">"), body=plain)
    assert d.call.sdp.remote.event_type is None
    dialog = d.call.dialog
    m = d.receive(
        request(
            b"INFO",
            uri=b"sip:door@192.0.2.1:5060",
            me=b"<sip:**9@fritz.box>;tag=pbx",
            you=b"<sip:door@fritz.box>;tag=" + dialog.local_tag,
            call_id=dialog.call_id,
            ctype=b"application/dtmf-relay",
            body=b"Signal= 5\r\nDuration= 250\r\n",
        )
    )
    assert m.status == 200 and d.events[-1] == ("dtmf", (b"5", 250, "info"))


def test_answered_elsewhere_and_busy_group():
    d = door()
    invite = request(b"INVITE", more=(b"Contact", b"<" + BOX + b">"), body=SDP)
    d.receive(invite)
    d.receive(
        request(b"CANCEL", more=(b"Reason", b'SIP ;cause=200 ;text="Call completed elsewhere"'))
    )
    assert d.call.reason == "AnsweredElsewhere" and parse(d.wire.last()).status == 487
    d.run(limits.RING_MS)
    assert not d.agent.dialogs and len(d.agent.parts) == 1
