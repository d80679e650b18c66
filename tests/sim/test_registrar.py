# usip: our own registrar, RFC 3261 10.3, and the 302 that it answers calls with
# MIT licence; Copyright (c) 2026 the usip authors

from sip import SDP, request
from usip import limits
from usip.digest import Credentials
from usip.message import parse
from usip.server.authenticate import Authenticator
from usip.server.registrar import Registrar
from wire import Wire, make

USERS = {b"door": b"secret", b"flat": b"geheim", b"gone": b"x"}
DOOR = b"<sip:door@192.0.2.5>"
AT = b"<sip:door@192.0.2.1:5060>"


class Bench:
    def __init__(self):
        self.wire = Wire()
        self.events = []
        self.agent = make(self.wire, self.hear, b"sip:192.0.2.5")
        self.registrar = Registrar(
            self.agent,
            Authenticator(b"house", USERS.get),
            lambda user: user in USERS and user != b"gone",
        )
        self.cseq = 0
        self.credentials = Credentials(b"door", b"secret")

    def hear(self, event, subject, detail):
        self.events.append((event, subject, detail))

    def ask(self, method=b"REGISTER", more=(), to=DOOR, uri=b"sip:192.0.2.5", **how):
        self.cseq += 1
        data = request(
            method,
            uri=uri,
            via=b"SIP/2.0/UDP 192.0.2.9;branch=z9hG4bK%s%d" % (method, self.cseq),
            you=to,
            cseq=how.pop("cseq", self.cseq),
            more=more,
            **how,
        )
        self.agent.receive(data, self.wire, self.wire.now)
        self.wire.run(self.agent, 40_000)  # the transaction has nothing to do any more
        return parse(self.wire.last())

    def register(self, more=(), to=DOOR, credentials=None, **how):
        """Register with an answer to the challenge."""
        c = credentials or self.credentials
        if not c.authorization(False, b"REGISTER", b"sip:192.0.2.5"):
            m = self.ask(b"REGISTER", more, to, call_id=b"first")
            assert m.status == 401
            assert c.challenge(m.lines("www-authenticate"), False)
        auth = c.authorization(False, b"REGISTER", b"sip:192.0.2.5")
        m = self.ask(b"REGISTER", tuple(more) + (b"Authorization", auth), to, **how)
        if m.status == 401 and b"stale=true" in m.lines("www-authenticate")[0]:
            assert c.challenge(m.lines("www-authenticate"), False)
            return self.register(more, to, c, **how)
        return m

    def at(self, user=b"door"):
        return self.registrar.lookup(user)


def test_challenge():
    b = Bench()
    m = b.ask(more=(b"Contact", AT))
    assert m.status == 401 and b.at() == [] and b.events == []
    lines = m.lines("www-authenticate")
    assert b"algorithm=SHA-256" in lines[0] and b"algorithm=MD5" in lines[1]  # the stronger first
    for value in (b"Basic xyz", b"Digest", b'Digest username="door"', b"NoOneKnows opaque=1"):
        assert b.ask(more=(b"Contact", AT, b"Authorization", value)).status == 401, value
    assert b.at() == []


def test_register_refresh_and_unregister():
    b = Bench()
    m = b.register((b"Contact", AT))
    assert m.status == 200 and m.all("contact") == [AT + b";expires=3600"]
    assert b.events == [("registered", b"door", b"sip:door@192.0.2.1:5060")]
    assert b.at() == [b"sip:door@192.0.2.1:5060"]
    m = b.register((b"Contact", AT + b";expires=120", b"Expires", b"600"))
    assert m.all("contact") == [AT + b";expires=120"] and len(b.events) == 1
    m = b.register()  # what is there?
    assert m.all("contact")[0].startswith(AT + b";expires=") and len(b.at()) == 1
    m = b.register((b"Contact", AT, b"Expires", b"0"))
    assert m.status == 200 and m.all("contact") == [] and b.at() == []
    assert b.events[1:] == [("unregistered", b"door", None)]


def test_expiry():
    b = Bench()
    b.register((b"Contact", AT + b";expires=100"))
    b.wire.run(b.agent, 59_000)
    assert b.at()
    b.wire.run(b.agent, 2_000)
    assert b.at() == [] and b.events[-1] == ("unregistered", b"door", None)
    assert b.agent.poll(b.wire.now) > 86_400_000  # and sleeps, until its secret is old


def test_wrong_users():
    b = Bench()
    for user, password in ((b"door", b"guess"), (b"nobody", b"x")):
        c = Credentials(user, password)
        assert b.register((b"Contact", AT), credentials=c).status == 401
    c = Credentials(b"flat", b"geheim")
    assert b.register((b"Contact", AT), credentials=c).status == 403  # of another's name
    c = Credentials(b"gone", b"x")
    assert b.register((b"Contact", AT), b"<sip:gone@192.0.2.5>", c).status == 404
    assert b.at() == [] and b.events == []


def test_names_are_compared_unescaped():
    b = Bench()
    assert b.register((b"Contact", AT), b"<sip:%64oor@192.0.2.5>").status == 200
    assert b.at(b"door")


def test_interval_too_brief():
    b = Bench()
    for more in ((b"Contact", AT + b";expires=59"), (b"Contact", AT, b"Expires", b"1")):
        m = b.register(more)
        assert m.status == 423 and m.get("min-expires") == b"%d" % limits.EXPIRES_MIN
    assert b.at() == []
    for more, seconds in (
        ((b"Contact", AT + b";expires=60"), 60),
        ((b"Contact", AT + b";expires=99999"), limits.EXPIRES),
        ((b"Contact", AT + b";expires=x", b"Expires", b"x"), limits.EXPIRES),
        ((b"Contact", AT + b";expires=99999999999"), limits.EXPIRES),
    ):
        m = b.register(more)
        assert m.all("contact") == [AT + b";expires=%d" % seconds], more


def test_star():
    b = Bench()
    b.register((b"Contact", AT))
    other = b"<sip:door@192.0.2.2>"
    for more in (
        (b"Contact", b"*"),
        (b"Contact", b"*", b"Expires", b"60"),
        (b"Contact", b"*, " + AT, b"Expires", b"0"),
    ):
        assert b.register(more).status == 400, more
    b.register((b"Contact", other))
    assert len(b.at()) == 2
    assert b.register((b"Contact", b"*", b"Expires", b"0")).status == 200
    assert b.at() == []


def test_order():
    # 10.3 step 7: of one Call-ID the higher CSeq wins, another one is a device that started anew
    b = Bench()
    b.register((b"Contact", AT), cseq=100)
    assert b.register((b"Contact", AT, b"Expires", b"0"), cseq=99).status == 500
    assert b.register((b"Contact", b"*", b"Expires", b"0"), cseq=50).status == 500
    assert b.at()
    assert b.register((b"Contact", AT), call_id=b"anew", cseq=1).status == 200
    assert len(b.at()) == 1
    assert b.register((b"Contact", AT, b"Expires", b"0"), call_id=b"anew", cseq=2).status == 200
    assert b.at() == []


def test_all_or_nothing():
    # One bad Contact, and none counts.
    b = Bench()
    for bad, code in (
        (b"<sip:door@192.0.2.2>;expires=5", 423),
        (b"tel:+49", 400),
        (b"<sip:@>", 400),
    ):
        assert b.register((b"Contact", AT + b", " + bad)).status == code
        assert b.at() == [], bad
    many = b", ".join([b"<sip:door@192.0.2.2:%d>" % i for i in range(1, limits.BINDINGS + 2)])
    assert b.register((b"Contact", many)).status == 503
    assert b.at() == []
    # the latest first, and a full list stays as it is
    for i in range(1, limits.BINDINGS + 1):
        assert b.register((b"Contact", b"<sip:door@192.0.2.2:%d>" % i)).status == 200
    assert b.register((b"Contact", AT)).status == 503
    assert len(b.at()) == limits.BINDINGS and b.at()[0].endswith(b":%d" % limits.BINDINGS)


def test_calls_and_texts_are_redirected():
    b = Bench()
    b.register((b"Contact", b'"d" ' + AT + b";q=1"))
    b.register((b"Contact", b"<sip:door@192.0.2.2;x=y>"))
    for method in (b"INVITE", b"MESSAGE", b"OPTIONS"):
        for user, code in (
            (b"door", 302),
            (b"%64oor", 302),
            (b"flat", 480),
            (b"who", 404),
            (b"", 404),
        ):
            if method == b"OPTIONS" and not user:
                code = 200
            uri = b"sip:" + user + b"@192.0.2.5" if user else b"sip:192.0.2.5"
            m = b.ask(method, (b"Contact", b"<sip:x@192.0.2.9>"), uri=uri, body=SDP)
            assert m.status == code, (method, user, m.status)
            if code == 302:
                assert m.all("contact") == [
                    b"<sip:door@192.0.2.2;x=y>",
                    b"<sip:door@192.0.2.1:5060>",
                ]
    b.wire.run(b.agent, limits.LINGER)
    assert not b.agent.transactions and not b.agent.dialogs


def test_nonsense():
    b = Bench()
    for more in (
        (b"Contact", b'"'),
        (b"Contact", b"<"),
        (b"Contact", b"<x>"),
        (b"Contact", b"*;q=1"),
    ):
        assert b.register(more).status == 400, more
    for to in (b"tel:+49", b"<sip:192.0.2.5>", b"<sip:@>"):
        assert b.register((b"Contact", AT), to).status in (400, 403), to
    assert b.at() == []


def test_a_nonce_does_not_come_round_with_the_clock():
    b = Bench()
    m = b.ask()
    c = b.credentials
    assert m.status == 401 and c.challenge(m.lines("www-authenticate"), False)
    b.wire.run(b.agent, 0x40000000 - 40_000)  # 12.4 days in which nobody comes
    auth = (b"Authorization", c.authorization(False, b"REGISTER", b"sip:192.0.2.5"))
    m = b.ask(more=auth)
    assert m.status == 401 and b"stale=true" in m.lines("www-authenticate")[0]
