# usip: a 3CX behind its SBC, an Asterisk, and peers that want what is not theirs
# MIT licence; Copyright (c) 2026 the usip authors

from pbx import Door
from sip import SDP, request, response
from usip.digest import credentials
from usip.message import parse

# --- 3CX: another authentication user, 407, proxies that stay in the way ---

CHALLENGE = b'Digest nonce="414d535c0f", algorithm=MD5, realm="3CXPhoneSystem"'
VIA = (
    b"SIP/2.0/UDP 192.0.2.9:5060;branch=z9hG4bK-524287-1---3;rport",
    b"SIP/2.0/TCP 10.0.0.2:5060;branch=z9hG4bKsbc;received=10.0.0.2;alias",
    b"SIP/2.0/TLS 10.0.0.3;branch=z9hG4bKpbx",
)
RECORD = (b"<sip:192.0.2.9;lr;r2=on>", b"<sip:10.0.0.2;transport=tcp;lr;r2=on>")


def three():
    d = Door(b"pbx.example.com", b"100", auth=b"aB3xYz")
    d.registration.start(d.now)
    d.reply(b"REGISTER", 407, (b"Proxy-Authenticate", CHALLENGE))
    m = d.last()
    assert d.right(m, True)
    assert credentials(m.get("proxy-authorization"))[b"username"] == b"aB3xYz"
    assert m.get("from").startswith(b"<sip:100@pbx.example.com>")
    d.reply(b"REGISTER", 200, (b"Contact", b"<sip:100@192.0.2.1:5060;x=1>;expires=120;+sip.x"))
    assert d.events == [("registered", 120)]
    d.events.clear()
    return d


def test_3cx_calls():
    d = three()
    via = VIA[0] + b"\r\nVia: " + VIA[1] + b", " + VIA[2]
    more = (
        b"Contact",
        b"<sip:200@10.0.0.3:5060;transport=tls>",
        b"Record-Route",
        RECORD[0],
        b"Record-Route",
        RECORD[1],
    )
    m = d.receive(request(b"INVITE", via=via, more=more, body=SDP))
    for code in (180, 200):
        assert m.status == code
        # Several Via come back in order, Record-Route too
        vias = m.all("via")
        assert len(vias) == 3 and vias[1:] == list(VIA[1:])
        assert vias[0].startswith(
            b"SIP/2.0/UDP 192.0.2.9:5060;branch=z9hG4bK-524287-1---3;rport=5060"
        )
        assert m.all("record-route") == list(RECORD)
        if code == 180:
            d.call.answer(d.now)
            m = d.last()
    dialog = d.call.dialog
    d.receive(
        request(
            b"ACK",
            via=VIA[0] + b"a",
            you=b"<sip:door@192.0.2.1>;tag=" + dialog.local_tag,
        )
    )
    assert d.call.state == b"E"
    # Without them in BYE and INFO the call dies after 32 s.
    d.call.hangup(d.now)
    bye = d.last()
    assert bye.all("route") == list(RECORD)
    assert bye.uri == b"sip:200@10.0.0.3:5060;transport=tls"


def test_3cx_is_called():
    d = three()
    d.dial(b"sip:200@pbx.example.com")
    d.reply(b"INVITE", 407, (b"Proxy-Authenticate", CHALLENGE.replace(b"414d", b"515e")))
    assert d.right(d.last(), True)
    more = (b"Contact", b"<sip:200@192.0.2.9>", b"Record-Route", b", ".join(RECORD))
    d.reply(b"INVITE", 180, more)
    d.reply(b"INVITE", 200, more, body=SDP)
    ack = d.last()
    assert ack.method == b"ACK" and ack.all("route") == [RECORD[1], RECORD[0]]
    assert ack.get("proxy-authorization")  # 22.1


# --- Asterisk: qualify, direct media, 423, odd Contact, MWI ---


def asterisk():
    d = Door(b"192.0.2.9", b"6001")
    d.registration.expires = 30
    d.registration.start(d.now)
    challenge = (
        b'Digest realm="asterisk",nonce="1700000000/ab",opaque="5f",algorithm=MD5,qop="auth"'
    )
    d.reply(b"REGISTER", 401, (b"WWW-Authenticate", challenge))
    d.reply(b"REGISTER", 423, (b"Min-Expires", b"60"))
    m = d.last()
    assert m.get("expires") == b"60" and d.right(m)
    p = credentials(m.get("authorization"))
    assert p[b"nc"] == b"00000002" and p[b"opaque"] == b"5f"
    # others' bindings beside ours
    d.reply(
        b"REGISTER",
        200,
        (
            b"Contact",
            b"<sip:6001@198.51.100.1:5060>;expires=3000",
            b"Contact",
            m.get("contact") + b";expires=59",
        ),
    )
    assert d.events == [("registered", 59)]
    d.events.clear()
    return d


def test_asterisk_qualify_and_mwi():
    d = asterisk()
    for i in range(5):
        via = b"SIP/2.0/UDP 192.0.2.9:5060;rport;branch=z9hG4bKq%d" % i
        m = d.receive(
            request(
                b"OPTIONS",
                uri=b"sip:6001@192.0.2.1:5060",
                via=via,
                me=b'"Unknown" <sip:Unknown@192.0.2.9>;tag=as%d' % i,
                call_id=b"q%d" % i,
                more=(
                    b"Contact",
                    b"<sip:Unknown@192.0.2.9:5060>",
                    b"Supported",
                    b"replaces, timer",
                ),
            )
        )
        assert m.status == 200 and m.cseq_method == b"OPTIONS"
        d.run(1_000)
    m = d.receive(
        request(
            b"NOTIFY",
            more=(b"Event", b"message-summary", b"Subscription-State", b"active"),
            ctype=b"application/simple-message-summary",
            body=b"Messages-Waiting: no\r\n",
        )
    )
    assert m.status == 200 and d.events == []


def test_asterisk_direct_media():
    d = asterisk()
    d.dial(b"sip:6002@192.0.2.9")
    d.reply(b"INVITE", 200, (b"Contact", b"<sip:6002@192.0.2.9:5060>"), body=SDP)
    dialog = d.call.dialog
    moved = SDP.replace(b"192.0.2.9", b"192.0.2.50").replace(b"6000", b"16000")
    how = {
        "uri": b"sip:6001@192.0.2.1:5060",
        "me": b"<sip:6002@192.0.2.9>;tag=pbx",
        "you": b"<sip:6001@192.0.2.9>;tag=" + dialog.local_tag,
        "call_id": dialog.call_id,
        "cseq": 102,
        "more": (b"Contact", b"<sip:6002@192.0.2.9:5060>"),
    }
    m = d.receive(request(b"INVITE", body=moved, **how))
    assert m.status == 200 and b"m=audio 4000" in m.body
    d.receive(request(b"ACK", via=b"SIP/2.0/UDP 192.0.2.9;branch=z9hG4bKack", **how))
    r = d.call.sdp.remote
    assert (r.host, r.port) == (b"192.0.2.50", 16000) and d.call.state == b"E"
    d.run(60_000)
    assert not [t for t in d.agent.transactions if t.method != b"REGISTER"]


# --- who wants what is not theirs ---


def test_stranger_asks_for_the_password():
    # FreeSWITCH CVE-2021-41158, baresip: a called party challenges, with our own realm even
    d = asterisk()
    stranger = type(d.wire)()
    stranger.remote = (b"198.51.100.66", 5060)
    flow = d.wire.flow

    def ask(host, port, transport=b"UDP"):
        return stranger if host == b"198.51.100.66" else flow(host, port)

    d.wire.flow = ask
    d.dial(b"sip:bait@198.51.100.66")
    m = parse(stranger.last())
    from sip import response

    for line in (b"WWW-Authenticate", b"Proxy-Authenticate"):
        code = 401 if line[:1] == b"W" else 407
        challenge = b'Digest realm="asterisk", nonce="evil"'
        d.agent.receive(response(m, code, b"t", (line, challenge)), stranger, d.now)
    assert len(stranger.times(b"INVITE")) == 1 and d.call.reason == "Unauthorized"
    assert not any([b"uthorization" in data for _, data in stranger.sent])


def test_nothing_else_goes_to_strangers():
    d = asterisk()
    stranger = type(d.wire)()
    stranger.remote = (b"198.51.100.66", 5060)
    flow = d.wire.flow
    d.wire.flow = lambda host, port, transport=b"UDP": (
        stranger if host == b"198.51.100.66" else flow(host, port)
    )
    from usip.pager import ping, send

    send(d.agent, b"sip:x@198.51.100.66", b"hi", d.now)
    ping(d.agent, b"sip:198.51.100.66", d.now)
    d.dial(b"sip:x@198.51.100.66")
    assert len(stranger.sent) == 3
    assert not any([b"uthorization" in data for _, data in stranger.sent])
    # and the account's own requests still carry what the registrar asked for
    send(d.agent, b"sip:6002@192.0.2.9", b"hi", d.now)
    assert d.right(d.last())


def test_kamailio_forks_and_pings():
    d = asterisk()
    d.dial(b"sip:6002@192.0.2.9")
    routes = b", ".join([b"<sip:192.0.2.9;lr;ftag=a;did=%d.%s>" % (i, b"x" * 40) for i in range(6)])
    for tag in (b"a", b"b"):
        d.reply(
            b"INVITE",
            200,
            (b"Contact", b"<sip:" + tag + b"@192.0.2.60>", b"Record-Route", routes),
            tag,
            SDP,
        )
    assert d.count(b"ACK") == 2 and d.count(b"BYE") == 1 and d.call.state == b"E"
    assert d.last(b"BYE").to_tag == b"b" and len(d.last(b"BYE").all("route")) == 6
    n = len(d.wire.sent)
    for ping in (b"\r\n\r\n", b"\x00\x00\x00\x00", b"\r\n"):
        d.agent.receive(ping, d.wire, d.now)
    assert len(d.wire.sent) == n


def test_nat_moves_within_a_call():
    # The refresh shows that the router has another address for us: the peer of a call that is up
    # would send its BYE to the old one.
    d = Door(b"192.0.2.9")

    def seen(port):
        for _ in range(2):  # what the registrar sees is registered
            m = d.last(b"REGISTER")
            more = (b"Contact", m.get("contact") + b";expires=100")
            data = response(m, 200, b"pbx", more)
            d.receive(data.replace(b";rport;", b";rport=%d;received=198.51.100.7;" % port))
        assert d.registration.state == b"A"

    d.registration.start(d.now)
    seen(1)
    d.dial(b"sip:indoor@192.0.2.9")
    assert d.last(b"INVITE").get("contact") == b"<sip:door@198.51.100.7:1>"
    d.reply(b"INVITE", 200, (b"Contact", b"<sip:indoor@192.0.2.9>"), body=SDP)
    n = d.count(b"REGISTER")
    while d.count(b"REGISTER") == n:
        d.run(1000)
    assert d.count(b"INVITE") == 1
    seen(2)
    m = d.last(b"INVITE")
    assert d.count(b"INVITE") == 2 and m.to_tag and m.body
    assert m.get("contact") == b"<sip:door@198.51.100.7:2>"
    d.reply(b"INVITE", 200, (b"Contact", b"<sip:indoor@192.0.2.9>"), tag=m.to_tag, body=SDP)
    assert d.call.state == b"E" and d.last(b"ACK").cseq == m.cseq
