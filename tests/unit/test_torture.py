# usip: messages in bad shape, and what an endpoint answers
# MIT licence; Copyright (c) 2026 the usip authors

# Each row has a fault that RFC 4475 describes, in a message of our own, and the status that the
# endpoint answers: None where it keeps silent, 180 or 200 where the message is in order or where
# we are liberal on purpose ("liberty").

from sip import SDP, request, response
from usip import limits
from usip.agent import Agent
from usip.calls import Calls
from usip.message import parse
from usip.pager import Pager
from usip.sdp import Session

NOW = 0x3FFFFFFF


class Wire:
    """Both the network and a flow: keeps what is sent."""

    transport = b"UDP"
    reliable = False
    local = (b"192.0.2.1", 5060)
    remote = (b"192.0.2.9", 5060)

    def __init__(self):
        self.sent = []

    def flow(self, host, port, transport=b"UDP"):
        return self

    def send(self, data):
        self.sent.append(data)
        return True


def answers(data):
    """What an endpoint answers to `data`: its last status that is no 100, None for silence."""
    wire = Wire()
    events = []
    agent = Agent(wire, lambda event, subject, detail: events.append(event), b"sip:door@192.0.2.1")
    Calls(agent, lambda call, flow: Session(b"192.0.2.1", 4000))
    Pager(agent)
    agent.receive(data, wire, NOW)
    agent.poll(NOW)
    if not wire.sent:
        return None
    assert len(wire.sent) == 1 and wire.sent[0].startswith(b"SIP/2.0 ")
    return int(wire.sent[0][8:11])


def invite(**more):
    more.setdefault("more", (b"Contact", b"<sip:x@192.0.2.9>"))
    more.setdefault("body", SDP)
    return request(b"INVITE", **more)


def replace(old, new, data=None):
    data = data or request()
    assert old in data
    return data.replace(old, new, 1)


def check(rows):
    for want, data in rows:
        got = answers(data)
        assert got == want, (want, got, data)


def test_odd_and_in_order():
    check(
        (
            # white space, folds, cases, compact forms and zeros wherever the grammar has them
            (
                481,  # read, and of no call that is known: a To tag
                b"OPTIONS sip:vivekg@chair-dnrc.example.com;unknownparam SIP/2.0\r\n"
                b"TO :\r\n sip:a@b ;   tag    = 1918181833n\r\n"
                b'from   : "J \\\\\\"\\"" <sip:c@d>\r\n  ;\r\n  tag = 98asjd8\r\n'
                b"MaX-fOrWaRdS: 0068\r\nCall-ID: x.y@192.0.2.1\r\ncseq: 0009\r\n  OPTIONS\r\n"
                b"Via  : SIP  /   2.0\r\n /UDP\r\n    192.0.2.2;branch=z9hG4bK390skdjuw\r\n"
                b"NewFangled:   any\r\n more ;;,,;,;\r\n"
                b"Route:\r\n <sip:e;unknownwith=v;unk-nv>\r\n"
                b"v:  SIP  / 2.0  / TCP     f   ;\r\n  branch  =   z9hG4bK9ikj8 \r\n"
                b'm:"Q \\\\\\"<sip:g@h>" <sip:j@k;new=v ; x>\r\n  ;   w = y ; q=0.33\r\n\r\n',
            ),
            # every character that a method, a Call-ID, a display name and a user may hold
            (
                501,
                request(
                    b"!intr-Mthd0_*+`.%ing'~",
                    uri=b"sip:1_x.!~*'()&=+$,;?/%20:&it+$,%%@[2001:db8::7]",
                    call_id=b"z%Z%45ab-(<>\"\\/[]?{}~`!')",
                    me=b'"\\\x00\xe2\x98\xba\xc3\xa4" <sip:x@y>;tag=_`\'~*%+-.!',
                    more=(b"extensionHeader-!.%*+_`'~", b"\xef\xbb\xbf\xe5\xa4\xa7"),
                ),
            ),
            # an escaped REGISTER is a method that nobody knows
            (501, request(b"RE%47IST%45R")),
            (200, request(uri=b"sip:sips%3Auser%40example.com@192.0.2.1")),
            (200, request(uri=b"sip:null-%00-null@192.0.2.1")),
            (200, request(uri=b"sip:user;par=u%40example.net@192.0.2.1")),
            # no white space before the <
            (200, request(me=b"caller<sip:x@y>;tag=323")),
            # octets behind the body, a second message among them
            (200, request() + request(b"INVITE")),
            (
                200,
                request(
                    via=b"SIP/2.0/UDP a;branch=z9hG4bK1, SIP/2.0/SCTP b\r\n"
                    b"Via: SIP/2.0/TLS c;x\r\nVia: SIP/2.0/UNKNOWN d"
                ),
            ),
            # an endpoint is no proxy: Max-Forwards of 0 ends here
            (200, replace(b"Forwards: 70", b"Forwards: 0")),
            # numbers and dates of fields that we do not use: liberty
            (200, replace(b"Forwards: 70", b"Forwards: 99999999999")),
            (200, request(more=(b"Date", b"Fri, 01 Jan 2010 16:00:00 EST"))),
            (200, request(more=(b"Expires", b"10000000000000000000000"))),
            # a display name of other than tokens: liberty
            (200, request(me=b"Bell, Alexander <sip:a@b>;tag=43")),
            # RFC 2543: no branch, no tags, no Contact, no Max-Forwards
            (
                180,
                invite(via=b"SIP/2.0/UDP 192.0.2.9", me=b"<sip:x@192.0.2.9>", more=()).replace(
                    b"Content-Length", b"X"
                ),
            ),
            # a Via of the cookie and nothing else is matched as RFC 2543 does: liberty
            (200, request(via=b"SIP/2.0/UDP 192.0.2.9;branch=z9hG4bK")),
            (200, request(more=(b"Proxy-Require", b"foo, bar"))),
        )
    )


def test_long_values():
    data = invite(
        me=b'"' + b"I have a user name " * 12 + b'" <sip:' + b"long" * 40 + b"@example.net>;tag=12",
        call_id=b"long" * 40 + b"call-id",
        via=b"SIP/2.0/UDP " + b"l" * 200 + b".net;branch=z9hG4bK" + b"b" * 120,
        more=(
            b"Contact",
            b"<sip:x@" + b"host" * 40 + b".net>",
            b"Unknown-" + b"Long" * 30,
            b"v" * 900,
        ),
    )
    assert 2300 < len(data) < limits.MESSAGE_MAX
    assert answers(data) == 180
    # What we could not answer within SEND_MAX is refused, what not even that fits for gets nothing;
    # and no route or address may be so long that the BYE does not fit.
    for n in (900, 1100, 1250, 1400, 1500, 1700):
        for more in (
            {"via": b"SIP/2.0/UDP a;branch=z9hG4bK1, SIP/2.0/UDP " + b"b" * n},
            {"me": b'"' + b"b" * n + b'" <sip:x@y>;tag=1'},
            {"more": (b"Contact", b"<sip:x@y>", b"Record-Route", b"<sip:" + b"b" * n + b";lr>")},
            {"more": (b"Contact", b"<sip:" + b"b" * n + b">")},
        ):
            assert answers(invite(**more)) in (180, 513, None), n
            if "more" not in more:
                assert answers(request(**more)) in (200, 513, None), n


def test_syntax():
    check(
        (
            (400, replace(b"Length: 0", b"Length: 9999")),
            (400, replace(b"Length: 0", b"Length: -999")),
            (400, replace(b"Length: 0", b"Length: 0\r\nContent-Length: 1")),
            (400, request(cseq=36893488147419103232)),
            (400, request(you=b'"Mr. J. User <sip:j@b>')),
            # a parameter that does not end: the tag that we add would be a part of it
            (400, invite(you=b"<sip:door@192.0.2.1>;ta<g=1")),
            (400, invite(you=b'<sip:door@192.0.2.1>;x="1')),
            (400, invite(me=b"sip:x@192.0.2.9;tag=1;x=<")),
            (400, request(me=b"sip:a@b?Route=c;tag=1")),
            (400, request(uri=b"<sip:user@example.com>")),
            (400, request(uri=b"sip:user@example.com; lr")),
            (400, request(uri=b" sip:user@example.com")),
            (400, request(uri=b"sip:user@example.com ")),
            (400, request(you=b'"Watson" <sip:w @b>', me=b'"a" x <sip:a@b>;tag=1')),
            (400, replace(b"Call-ID: call-1\r\n", b"")),
            (400, replace(b"From", b"X-From")),
            (400, replace(b"To", b"X-To")),
            (400, replace(b"CSeq: 1 OPTIONS", b"CSeq: 1 INVITE")),
            (400, replace(b"CSeq: 1 FOO", b"CSeq: 1 BAR", request(b"FOO"))),
            (400, request(more=(b"From", b"<sip:z@z>;tag=2"))),
            (400, request(more=(b"no colon\r\nX", b"1"))),
            (505, replace(b" SIP/2.0\r\n", b" SIP/7.0\r\n")),
            # a Via that cannot be read goes back as it is, to where it came from
            (400, request(via=b"SIP/2.0/UDP 192.0.2.15;;,;,,")),
            (400, request(via=b"")),
            (None, request(b"ACK", via=b"SIP/2.0/UDP 192.0.2.15;;")),
            # nobody to answer
            (None, b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"),
            (None, replace(b"Via", b"X-Via")),
            (None, b"SIP/2.0 4294967301 better\r\n" + request().split(b"\r\n", 1)[1]),
            (None, b"hello"),
            (None, b"\x00" * 500),
            (None, b"\r\n\r\n"),
            (None, b"\x00\x00"),
            (None, request(b"ACK", cseq=36893488147419103232)),
            (None, request(b"ACK")),
            # a response with two Via, or to nothing that we asked
            (None, response(parse(request(via=b"SIP/2.0/UDP 192.0.2.9, SIP/2.0/UDP b")), 200)),
            (None, response(parse(request()), 200)),
        )
    )


def test_meaning():
    check(
        (
            (416, request(uri=b"nobodyKnowsThisScheme:totallyopaquecontent")),
            (416, request(uri=b"tel:+12")),
            # other URIs in From and To are nothing to us
            (200, request(me=b"<http://www.example.com>;tag=1", you=b"<isbn:2983792873>")),
            (420, request(more=(b"Require", b"nothingSupportsThis, nothingSupportsThisEither"))),
            (415, invite(ctype=b"application/unknownformat")),
            (406, invite(more=(b"Contact", b"<sip:a@b>", b"Accept", b"text/nobodyKnowsThis"))),
            (
                405,
                request(b"REGISTER", more=(b"Authorization", b"NoOneKnowsThisScheme opaque=here")),
            ),
            (400, invite(more=())),  # no Contact
            (400, invite(more=(b"Contact", b"<sip:a@>"))),
            (400, invite(body=b"not SDP")),
            (481, request(b"BYE", you=b"<sip:a@b>;tag=1")),
            (481, request(b"BYE")),
            (481, request(b"CANCEL")),
            # the headers of a Request-URI become no headers of ours
            (180, invite(uri=b"sip:door@192.0.2.1?Route=%3Csip:evil.example%3E")),
        )
    )


def test_white_space_round_parameters():
    # SEMI is SWS ";" SWS: our answer must name the port, and stay in order
    data = request(via=b"SIP/2.0/UDP 192.0.2.77:5070; rport ; branch=z9hG4bK1")
    wire = Wire()
    agent = Agent(wire, None, b"sip:door@192.0.2.1")
    agent.receive(data, wire, NOW)
    m = parse(wire.sent[0])
    assert m.sent_by == (b"192.0.2.77", 5070) and m.branch == b"z9hG4bK1"
    assert b"rport=5060" in m.via_params.replace(b" ", b"")
    assert b"received=192.0.2.9" in m.via_params
