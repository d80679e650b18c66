# usip: keeping registered, whatever the registrar says
# MIT licence; Copyright (c) 2026 the usip authors

from registering import CHALLENGE, Bench
from sip import response
from usip import limits
from usip.digest import credentials


def test_what_is_sent():
    for uri, want in (
        (b"sip:192.0.2.9", b"sip:192.0.2.9"),
        (b"sip:door@192.0.2.9", b"sip:192.0.2.9"),  # a FRITZ!Box drops one with a user in silence
        (b"sip:192.0.2.9:5070;x=1?a=b", b"sip:192.0.2.9:5070;x=1"),
    ):
        b = Bench(uri).start()
        m = b.last()
        assert m.uri == want and m.method == b"REGISTER"
        assert m.get("to") == b"<sip:door@192.0.2.9>" and m.from_tag and not m.to_tag
        assert m.get("contact") == b"<sip:door@192.0.2.1:5060>" and m.get("expires") == b"3600"
        assert m.get("authorization") is None


def test_challenge_and_refresh():
    b = Bench().start()
    first = b.last()
    b.reply(401, (b"WWW-Authenticate", CHALLENGE % 1))
    m = b.last()
    assert (m.cseq, m.call_id, m.from_tag) == (first.cseq + 1, first.call_id, first.from_tag)
    assert m.branch != first.branch
    assert credentials(m.get("authorization"))[b"uri"] == b"sip:192.0.2.9"
    b.reply(200)
    assert b.events == [("registered", 3600)] and b.r.state == b"A"
    assert b.refreshed(3240_000)  # at 45 to 90 %
    again = b.last()
    assert again.call_id == first.call_id and again.cseq == m.cseq + 1
    p = credentials(again.get("authorization"))
    assert p[b"nonce"] == b"n1" and p[b"nc"] == b"00000002"  # at once, and it counts
    b.reply(401, (b"WWW-Authenticate", CHALLENGE % 2 + b", stale=true"))
    assert credentials(b.last().get("authorization"))[b"nonce"] == b"n2"
    b.reply(200)
    assert b.events[1:] == [("registered", 3600)]


def test_granted_lifetime():
    here = b"<sip:door@192.0.2.1:5060>"
    for more, granted, wait in (
        ((b"Contact", here + b";expires=300"), 300, 268_000),
        ((b"Contact", here + b";expires=300", b"Expires", b"900"), 300, 268_000),
        ((b"Contact", here, b"Expires", b"900"), 900, 810_000),
        ((b"Expires", b"60"), 60, 30_000),
        ((b"Contact", here + b";expires=10"), 10, 5_000),
        ((b"Contact", here + b";expires=1"), 1, 1_000),  # no storm
        ((), 3600, 3240_000),
        # several bindings: ours counts, in whatever shape it comes back
        ((b"Contact", b"<sip:a@b>;expires=5, " + here + b";q=1;EXPIRES=500"), 500, 450_000),
        ((b"Contact", b"<sip:door@192.0.2.1>;expires=500"), 500, 450_000),
        ((b"Contact", b"<sip:door@192.0.2.1:5060;x=y>;expires=500;+sip.x"), 500, 450_000),
        ((b"Contact", b"<sip:other@192.0.2.1>;expires=5", b"Expires", b"700"), 700, 630_000),
        # what cannot be read is what we asked for
        ((b"Contact", here + b";expires=x"), 3600, 3240_000),
        ((b"Contact", b'"<'), 3600, 3240_000),
        ((b"Expires", b"-1"), 3600, 3240_000),
        ((b"Expires", b"99999999999"), 3600, 3240_000),
        ((b"Expires", b"9999999"), limits.EXPIRES_MAX, limits.EXPIRES_MAX * 900),
    ):
        b = Bench().start()
        b.reply(200, more)
        assert b.events == [("registered", granted)], (more, b.events)
        assert b.refreshed(wait), (more, granted)
    # A 200 that takes us out is a failure.
    b = Bench().start()
    b.reply(200, (b"Contact", here + b";expires=0"))
    assert b.r.state == b"F" and b.events[0][0] == "registration-failed" and b.wait() is not None


def test_interval_too_brief():
    b = Bench(expires=60).start()
    assert b.last().get("expires") == b"60"
    b.reply(423, (b"Min-Expires", b"1800"))
    assert b.last().get("expires") == b"1800" and b.events == []
    b.reply(200, ())
    assert b.events == [("registered", 1800)]
    for more in (
        (),
        (b"Min-Expires", b"60"),
        (b"Min-Expires", b"x"),
        (b"Min-Expires", b"999999999"),
    ):
        b = Bench(expires=60).start()
        b.reply(423, more)
        assert b.count() == 1 and b.r.state == b"F", more
        assert 1000 <= b.wait() <= 2000


def test_back_off():
    # 1-2 s, then twice as long each time, at most five minutes, and never all at the same time
    b = Bench().start()
    waits = []
    for i in range(14):
        b.reply(500)
        waits.append(b.wait())
        base = min(1000 << i, 150_000)
        assert base <= waits[i] <= 2 * base <= 300_000, (i, waits)
    assert len(set(waits[9:])) > 1
    assert [e[0] for e in b.events] == ["registration-failed"] * 14
    b.reply(200)
    b.wait()
    b.reply(500)
    assert 1000 <= b.wait() <= 2000  # success starts it anew


def test_silence():
    # A FRITZ!Box that does not know the user says nothing.
    b = Bench().start()
    b.run(32_000)
    assert b.events == [("registration-failed", "no answer from the registrar")]
    assert b.r.status == 408 and b.count() == 11
    assert 1000 <= b.wait() <= 2000
    # It goes on: once a minute, a few datagrams each time; whenever it is back, so are we.
    b.run(300_000)
    n = b.count()
    events = len(b.events)
    b.run(600_000)
    asked = len(b.events) - events
    assert 10 <= asked <= 14 and 4 * asked - 4 <= b.count() - n <= 4 * asked + 4
    t = b.wire.t
    while b.r.state != b"A":
        b.wait()
        b.reply(200)
    assert b.wire.t - t < 60_000
    # What was answered is not hushed: a challenge's answer is sent for its 32 s.
    b.run(10)
    b.r.failures = 5
    b.r._fire(b"$", b.wire.now)
    b.reply(401, (b"WWW-Authenticate", CHALLENGE % 1))
    n = b.count()
    b.run(31_000)
    assert b.count() == n + 9


def test_the_network_is_gone():
    # Nothing leaves this machine: that costs nobody anything, and it is tried again soon.
    b = Bench().start()
    b.reply(200)
    b.wire.cut = True
    b.run(3600_000)
    assert b.r.state == b"F"
    for _ in range(10):
        b.run(b.agent.poll(b.wire.now) + 1)
        assert 1999 <= b.agent.poll(b.wire.now) <= 4000  # it is a millisecond later
    b.wire.cut = False
    n = b.count()
    b.run(4000)
    assert b.count() >= n + 1


def test_refreshes_are_apart():
    # Many that registered at once do not come again at once.
    waits = []
    for _ in range(30):
        b = Bench().start()
        b.reply(200)
        waits.append(b.wait())
    waits.sort()
    assert 1620_000 <= waits[0] < 2000_000 and 2800_000 < waits[-1] <= 3240_000


def test_unreachable():
    b = Bench()
    b.wire.flow = lambda host, port, transport=b"UDP": None
    b.start()
    assert b.events == [("registration-failed", "cannot reach the registrar")]
    del b.wire.flow
    assert 1000 <= b.wait() <= 2000
    b = Bench()
    b.wire.cut = True
    b.start()
    assert b.events == [("registration-failed", "cannot reach the registrar")]


def test_wrong_password():
    # It says so, and backs off at once: accounts get locked.
    b = Bench().start()
    for i in (1, 2):
        b.reply(401, (b"WWW-Authenticate", CHALLENGE % i))
    assert b.count() == 2  # no third guess
    assert b.events == [("registration-failed", "wrong user name or password")]
    assert 32_000 <= b.wait() <= 64_000
    for code, why in ((403, "X"), (404, "X"), (600, "X")):
        b = Bench().start()
        b.reply(code)
        assert b.events == [("registration-failed", why)]
        assert b.wait() >= (32_000 if code < 500 else 1000)
    b = Bench().start()
    b.reply(500, replace=((b"500 X", b"500 \xff"),))
    assert b.events == [("registration-failed", "refused")]


def test_retry_after():
    for value, least in ((b"120", 120_000), (b"60 (soon);duration=5", 60_000), (b"x", 1000)):
        b = Bench().start()
        b.reply(503, (b"Retry-After", value))
        assert least <= b.wait() <= least + 2000, value
    # A lost one second is not less than our own back-off.
    b = Bench().start()
    b.reply(503, (b"Retry-After", b"0"))
    assert b.wait() >= 1000


def test_unregister():
    b = Bench().start()
    b.reply(200)
    b.r.stop(b.wire.now)
    m = b.last()
    assert m.get("expires") == b"0" and m.get("contact") == b"<sip:door@192.0.2.1:5060>"
    b.reply(200, ())
    assert b.events[-1] == ("unregistered", None) and b.wait() is None
    for how in ("silence", "challenge", "refused", "not registered"):
        b = Bench()
        if how != "not registered":
            b.start()
            b.reply(200)
        b.r.stop(b.wire.now)
        if how == "challenge":
            b.reply(401, (b"WWW-Authenticate", CHALLENGE % 1))
            assert b.last().get("expires") == b"0" and b.last().get("authorization")
            b.reply(200, ())
        if how == "refused":
            b.reply(500)
        b.run(limits.TIMEOUT)
        assert b.r.state == b"N" and b.wait() is None and not b.agent.transactions, how
        if how != "not registered":
            assert b.events[-1] == ("unregistered", None)
    # while the first REGISTER is still out, and then again
    b = Bench().start()
    b.r.stop(b.wire.now)
    assert b.last().get("expires") == b"0"
    b.start()
    assert b.last().get("expires") == b"3600" and b.r.state == b"R"


def test_on_demand():
    # The network came back: at once, and the back-off starts anew.
    b = Bench().start()
    for _ in range(6):
        b.reply(500)
        b.wait()
    b.reply(500)
    n = b.count()
    b.start()
    assert b.count() == n + 1
    b.reply(200)
    b.start()
    assert b.count() == n + 2 and b.r.state == b"R"


def test_old_answers_count_no_more():
    b = Bench().start()
    old = b.last()
    b.start()
    b.agent.receive(response(old, 200, b"t"), b.wire, b.wire.now)
    assert b.r.state == b"R" and b.events == []
    b.reply(200)
    assert b.events == [("registered", 3600)]
