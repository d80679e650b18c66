"""Through Kamailio: a doorbell on MicroPython and a phone on CPython, registered with digest."""

import pytest
import rig as rigs

SLOW = True
PEER = "kamailio"


class House:
    """A doorbell and an indoor phone with accounts at one registrar, each on its runtime."""

    def __init__(self, rig, proxy, caller, callee):
        self.rig = rig
        self.proxy = proxy
        self.caller = caller
        self.callee = callee
        self.user = {"unix32": "door", "cpython": "indoor"}[callee]

    def answering(self, *args):
        """The phone that is called, registered."""
        phone = self.rig.phone(
            *(self.callee, *self.proxy.account(self.user), "listen", "--calls", "1", *args),
            name=self.user,
        )
        phone.wait("registered")
        return phone

    def calling(self, *args, command="call"):
        """The phone that calls; it registers first."""
        me = {"unix32": "door", "cpython": "indoor"}[self.caller]
        to = f"sip:{self.user}@{self.proxy.ip}"
        phone = self.rig.phone(*(self.caller, *self.proxy.account(me), command, to, *args), name=me)
        phone.wait("registered")
        return phone


WAYS = [("unix32", "cpython"), ("cpython", "unix32")]


@pytest.fixture(params=WAYS, ids=["door-calls", "indoor-calls"])
def house(request, rig, proxy):
    return House(rig, proxy, *request.param)


def test_talk(house, rig):
    """call through the proxy with Record-Route, sound both ways"""
    played = rig.noise("a.wav", seed=1), rig.noise("b.wav", seed=2)
    recorded = rig.folder / "from-caller.wav", rig.folder / "from-callee.wav"
    called = house.answering("--play", played[1], "--record", recorded[0])
    caller = house.calling(*("--play", played[0], "--record", recorded[1], "--hangup-after", "3.4"))
    for event in ("ringing", "answered"):
        caller.wait(event)
    assert f"sip:{caller.name}@{house.proxy.ip}" in called.wait("incoming")["from"]
    ends = caller.wait("ended", code=200), called.wait("ended", code=200)
    caller.finish()
    called.finish()
    for end, other in zip(ends, reversed(ends)):
        assert end["packets_lost"] == 0
        assert end["packets_received"] >= other["packets_sent"] - 20 >= 30, ends
    correlations = [rigs.heard(p, r) for p, r in zip(played, recorded)]
    rig.note("correlation %.4f and %.4f" % tuple(correlations))
    rig.note("jitter %s and %s ms" % tuple(end["jitter_ms"] for end in ends))
    assert min(correlations) > 0.9


@pytest.mark.parametrize("mode", ["info", "rtp"])
def test_digits(house, mode):
    """digits"""
    called = house.answering()
    caller = house.calling("--dtmf", "15*#", "--dtmf-mode", mode, "--hangup-after", "0.2")
    called.wait("ended", code=200)
    caller.finish()
    called.finish()
    assert called.digits(mode) == called.digits() == "15*#"


def test_hung_up_by_callee(house):
    """the one that was called hangs up: its BYE takes the route set"""
    called = house.answering("--hangup-after", "0.3")
    caller = house.calling()
    caller.wait("ended", code=200, reason="HungUp")
    caller.finish()
    called.finish()


def test_message(house):
    """MESSAGE relayed"""
    called = house.answering("--for", "30")
    sender = house.calling("Es klingelt, äöü", command="message")
    got = called.wait("message", text="Es klingelt, äöü")
    assert f"sip:{sender.name}@" in got["from"]
    sender.wait("message-sent", code=200)
    sender.finish()
    called.stop()


def test_options(house):
    """OPTIONS relayed"""
    called = house.answering("--for", "30")
    sender = house.calling(command="options")
    sender.wait("options", code=200)
    sender.finish()
    called.stop()


def test_cancel(house):
    """CANCEL: the caller gives up"""
    called = house.answering("--ring")
    caller = house.calling("--ring-timeout", "0.6")
    caller.wait("ringing")
    called.wait("ended", code=487, reason="Cancelled")
    caller.wait("ended", code=408, reason="NoAnswer")
    caller.finish(status=1)
    called.finish()


@pytest.mark.parametrize(
    ("code", "reason"), [(486, "Busy"), (603, "Declined"), (480, "Unavailable")]
)
def test_refused(house, code, reason):
    """call refused"""
    called = house.answering("--reject", str(code))
    caller = house.calling()
    caller.wait("ended", code=code, reason=reason)
    caller.finish(status=1)
    called.finish()


def test_nobody(rig, proxy, runtime):
    """call to one who is not registered: 404"""
    phone = rig.phone(runtime, *proxy.account("lonely"), "call", f"sip:nobody@{proxy.ip}")
    phone.wait("ended", code=404, reason="NotFound")
    phone.finish(status=1)


def test_wrong_password(rig, proxy, runtime):
    """wrong password: status 1, the code said"""
    phone = rig.phone(runtime, *proxy.account("door", "wrong"), "register")
    failed = phone.wait("registration-failed")
    assert failed["code"] in (401, 403) and "password" in failed["reason"]
    phone.finish(status=1)


def test_other_name(rig, proxy, runtime):
    """another authentication user: 403, as this registrar wants them equal"""
    phone = rig.phone(
        *(runtime, "--auth-user", "other", *proxy.account("door", "other-secret"), "register"),
    )
    phone.wait("registration-failed", code=403)
    phone.finish(status=1)


# In 72 KB the demo talks once; two calls within a second and a text in each need a little more.
@pytest.mark.parametrize("heap", ["80k", "96k"])
def test_doorbell(rig, proxy, heap):
    """examples/doorbell.py, usip frozen: rings, talks, rings again at once, takes a text"""
    played = rig.noise("a.wav", seed=1), rig.noise("b.wav", seed=2)
    recorded = rig.folder / "from-door.wav", rig.folder / "from-indoor.wav"
    indoor = rig.phone(
        *("cpython", *proxy.account("indoor"), "listen", "--calls", "2"),
        *("--play", played[1], "--record", recorded[0], "--hangup-after", "3.4"),
        name="indoor",
    )
    indoor.wait("registered")
    door = rig.doorbell(heap, proxy, "indoor", played[0], recorded[1])
    door.wait("registered")
    for _ in range(2):
        door.do("click bell")
        door.wait("talking")
        end = indoor.wait("ended", code=200)
        assert end["packets_received"] >= 50 and end["packets_lost"] == 0, end
        over = door.wait("call over: HungUp")["event"]
        assert over.endswith("lost 0"), over
    indoor.finish()
    words = rig.phone(
        *("cpython", *proxy.account("other"), "message", f"sip:door@{proxy.ip}", "Moment! ✓"),
        name="other",
    )
    door.wait("text: Moment! ✓")
    words.finish()
    door.do("quit")
    memory = door.wait("memory:")["event"]
    door.finish()
    correlations = [rigs.heard(p, r) for p, r in zip(played, recorded)]
    rig.note("correlation %.4f and %.4f; %s" % (*correlations, memory))
    assert min(correlations) > 0.9


REGISTRARS = {
    "MD5 without qop": {"RIG_NO_QOP": True},
    "SHA-256": {"RIG_SHA256": True},
    "SHA-256 without qop": {"RIG_SHA256": True, "RIG_NO_QOP": True},
}


@pytest.mark.parametrize("kind", REGISTRARS)
def test_digest(rig, kind):
    """digest of REGISTER, INVITE and BYE"""
    proxy = rig.kamailio(**REGISTRARS[kind])
    house = House(rig, proxy, "unix32", "cpython")
    called = house.answering()
    caller = house.calling("--hangup-after", "0.2")
    caller.wait("ended", code=200)
    caller.finish()
    called.finish()


def test_too_brief(rig):
    """423: registered for as long as the registrar wants; a nonce that runs out is renewed"""
    proxy = rig.kamailio(RIG_MIN=4, RIG_NONCE=1)
    phones = []
    for runtime in ("cpython", "unix32"):
        account = proxy.account(runtime)
        phones.append(rig.phone(runtime, *account, "--expires", "1", "register", name=runtime))
    for phone in phones:
        phone.wait("registered", expires=4)
    for phone in phones:  # refreshed after two seconds, when the nonce is stale
        phone.wait("registered", expires=4)
        phone.stop()
        assert phone.names()[-1] == "unregistered"
        assert "registration-failed" not in phone.names()


def test_restart(rig):
    """the registrar restarts and has forgotten everything: registered again, and called"""
    proxy = rig.kamailio()
    door = rig.phone(
        *("unix32", *proxy.account("door"), "--expires", "4", "listen", "--calls", "1"),
        name="door",
    )
    door.wait("registered")
    proxy.signal()
    proxy.join(10)
    door.fresh()  # it may have refreshed until now
    again = rig.kamailio(ip=proxy.ip)
    door.wait("registered", seconds=15)
    assert "registration-failed" not in door.names()
    caller = rig.phone(
        *("cpython", *again.account("indoor"), "call", f"sip:door@{again.ip}"),
        *("--hangup-after", "0.2"),
        name="indoor",
    )
    caller.wait("ended", code=200)
    caller.finish()
    door.finish()
