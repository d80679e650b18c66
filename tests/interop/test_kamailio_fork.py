"""Through Kamailio to two phones of one account, which ring together; and texts both ways.

One is on the runtime that is tested, the other one and the caller on the other runtime.
"""

import pytest
from asterisk import Puppet

SLOW = True
PEER = "kamailio"
OTHER = {"cpython": "unix32", "unix32": "cpython"}


class Bells:
    """Two phones of one account: `here` on the runtime that is tested, and `there`."""

    def __init__(self, rig, proxy, runtime):
        self.rig = rig
        self.proxy = proxy
        self.runtime = runtime
        self.phones = []
        # A phone that vanishes stays registered: no other test may ring it.
        self.user = "bell" + rig.ip().rpartition(".")[2]

    def bell(self, runtime, name, *args):
        account = self.proxy.account(self.user)
        phone = self.rig.phone(runtime, *account, "listen", "--calls", "1", *args, name=name)
        phone.wait("registered")
        self.phones.append(phone)
        return phone

    def here(self, *args):
        return self.bell(self.runtime, "here", *args)

    def there(self, *args):
        return self.bell(OTHER[self.runtime], "there", *args)

    def caller(self, *args):
        account = self.proxy.account("door")
        return self.rig.phone(
            *(OTHER[self.runtime], *account, "call", f"sip:{self.user}@{self.proxy.ip}", *args),
            name="door",
        )

    def end(self, caller, status=0):
        caller.finish(status)
        for phone in self.phones:
            phone.finish()


@pytest.fixture
def bells(rig, proxy, runtime):
    return Bells(rig, proxy, runtime)


def test_answered_elsewhere(bells):
    """two phones ring, the other one answers: CANCEL with a reason, and the application hears it"""
    here = bells.here("--ring")
    there = bells.there("--answer-after", "0.4")
    caller = bells.caller("--hangup-after", "0.4")
    here.wait("incoming")
    here.wait("ended", code=487, reason="AnsweredElsewhere")
    there.wait("ended", code=200, reason="HungUp")
    caller.wait("ended", code=200)
    bells.end(caller)
    assert "answered" not in here.names()


def test_first_answers(bells):
    """two phones ring, this one answers first"""
    here = bells.here("--answer-after", "0.4")
    there = bells.there("--ring")
    caller = bells.caller("--hangup-after", "0.4")
    there.wait("ended", code=487, reason="AnsweredElsewhere")
    here.wait("ended", code=200, reason="HungUp")
    bells.end(caller)


def test_both_answer(bells):
    """two phones answer at once: one call, and nobody is left in the other one"""
    both = bells.here("--answer-after", "0.2"), bells.there("--answer-after", "0.2")
    caller = bells.caller("--hangup-after", "1")
    bells.end(caller)
    assert [x for x in caller.names() if x in ("answered", "ended")] == ["answered", "ended"]
    ends = [phone.all("ended")[0] for phone in both]
    # The one that was too late was cancelled, or its 200 was acknowledged and hung up at once.
    talked = [e for e in ends if e["at"] > caller.all("answered")[0]["at"] + 0.8]
    assert len(talked) == 1 and talked[0]["reason"] == "HungUp", ends
    late = [e for e in ends if e is not talked[0]][0]
    assert late["reason"] in ("HungUp", "AnsweredElsewhere"), late


def test_one_busy(bells):
    """two phones, this one is busy: the other one rings on and answers"""
    here = bells.here("--reject", "486")
    there = bells.there("--answer-after", "0.5")
    caller = bells.caller("--hangup-after", "0.3")
    ended = here.wait("ended", code=486)
    answered = there.wait("answered")
    assert answered["at"] > ended["at"]
    there.wait("ended", code=200)
    caller.wait("ended", code=200)
    bells.end(caller)


def test_one_declines(bells):
    """two phones, the other one declines for all: this one is cancelled, not answered elsewhere"""
    here = bells.here("--ring")
    bells.there("--reject", "603")
    caller = bells.caller()
    here.wait("ended", code=487, reason="Cancelled")
    caller.wait("ended", code=603, reason="Declined")
    bells.end(caller, status=1)


def test_both_busy(bells):
    """two phones, both are busy: so hears the caller"""
    for phone in (bells.here("--reject", "486"), bells.there("--reject", "486")):
        assert "registered" in phone.names()
    caller = bells.caller()
    caller.wait("ended", code=486, reason="Busy")
    bells.end(caller, status=1)


def test_given_up(bells):
    """two phones ring, the caller gives up: both are cancelled"""
    both = bells.here("--ring"), bells.there("--ring")
    caller = bells.caller("--ring-timeout", "0.6")
    for phone in both:
        phone.wait("ended", code=487, reason="Cancelled")
    caller.wait("ended", code=408, reason="NoAnswer")
    bells.end(caller, status=1)


def test_one_gone(bells):
    """two phones, the other one lost its power and is registered still: this one answers"""
    here = bells.here("--answer-after", "0.3")
    there = bells.there()
    bells.phones.remove(there)
    there.vanish()
    caller = bells.caller("--hangup-after", "0.3")
    here.wait("ended", code=200)
    caller.wait("ended", code=200)
    bells.end(caller)


def test_texts(rig, proxy, runtime):
    """MESSAGE both ways between two registered phones, and to nobody"""
    phones = {}
    for name, on in (("door", runtime), ("indoor", OTHER[runtime])):
        phones[name] = rig._add(Puppet(rig.folder, name, on, *proxy.account(name)))
        phones[name].wait("registered")
    texts = {"door": "Es klingelt, äöü", "indoor": "Ich komme: 10 Minuten ✓"}
    for _ in range(2):
        for name, to in (("door", "indoor"), ("indoor", "door")):
            phones[name].do(f"message sip:{to}@{proxy.ip} {texts[name]}")
            got = phones[to].wait("message", text=texts[name])
            assert f"sip:{name}@{proxy.ip}" in got["from"]
            phones[name].wait("message-sent", code=200)
    phones["door"].do(f"message sip:nobody@{proxy.ip} ?")
    phones["door"].wait("message-sent", code=404)
    for phone in phones.values():
        phone.do("quit")
        phone.finish()
