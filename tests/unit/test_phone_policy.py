# usip tests: phones that do not talk to everybody
# MIT licence; Copyright (c) 2026 the usip authors

import asyncio

from phonenet import Ear, Lan, Net, Peer, Phone, phone, run, up
from phonesound import Sound
from sip import request
from usip import limits
from usip.server.runner import Server

HEAPS = 2  # there are two phones in it


async def strangers():
    lan = Lan()
    home = Server(Net(lan, b"192.0.2.5"), (None, 5060), {b"a": b"secret"}, b"192.0.2.5", Ear())
    await home.start()
    ear = Ear()
    a = await phone(lan, b"192.0.2.1", b"sip:a@192.0.2.5", "secret", listener=ear)
    assert await a.registered()
    stranger = Peer(lan)
    lan.seen = []
    for method in (b"INVITE", b"OPTIONS", b"MESSAGE", b"NOTIFY", b"REGISTER"):
        stranger.send(request(method, via=b"SIP/2.0/UDP 192.0.2.9;branch=z9hG4bK" + method))
    while a.agent.policy.refused < 5:
        await asyncio.sleep(0)
    assert [x[:7] for x in lan.seen if x[:7] == b"SIP/2.0"] == []
    assert await a.incoming(1) is None and ear.events == ["registered"]
    assert a.explain().endswith("; REGISTER from 192.0.2.9:5060 was not let in (allow)")
    # Nobody reads a password out of what a program prints.
    for thing in (a, a.agent, a.agent.credentials, a.registration, a.agent.policy):
        assert "secret" not in repr(thing) + str(thing)
    await a.close()
    await home.close()
    assert len(lan.endpoints) == 1  # the stranger's


def test_strangers_hear_nothing():
    run(strangers)


async def by_itself():
    lan = Lan()
    here, there = Sound(), Sound()
    ear = Ear()
    how = {"allow": "any,192.0.2.1", "auto_answer": True, "audio": here, "listener": ear}
    b = await phone(lan, b"192.0.2.2", **how)
    a = await phone(lan, b"192.0.2.1", audio=there)
    x = await a.call("sip:b@192.0.2.2")
    assert await x.answered()
    y = await b.incoming()
    assert y.known and y.was_answered and ear.events[:2] == ["incoming", "answered"]
    # Both hear the tone of half a second: who stands there knows that somebody listens.
    while not (any(here.played) and any(there.played)):
        await asyncio.sleep(0.02)
    while any(here.played[-5:]) or any(there.played[-5:]):
        await asyncio.sleep(0.02)
    for sound in (here, there):
        assert 20 <= sum(sound.played) <= 26, sum(sound.played)
    x.hangup()
    assert await y.ended()
    # Anybody else only rings.
    c = await phone(lan, b"192.0.2.3")
    z = await c.call("sip:b@192.0.2.2")
    w = await b.incoming()
    assert not w.known and not w.was_answered
    w.reject()
    await z.ended()
    for p in (a, b, c):
        await p.close()


def test_answers_by_itself():
    run(by_itself)


async def no_longer():
    lan = Lan()
    kept = limits.WARN_MS
    limits.WARN_MS = 200
    try:
        ear = Ear()
        here = Sound()
        a = Phone(net=Net(lan, b"192.0.2.1"), trace=False, talk_ms=500, listener=ear, audio=here)
        b = await phone(lan, b"192.0.2.2")
        async with a:
            x, y = await up(a, b)
            await ear.heard("warning")
            assert not x.over and x.pump.here and x.pump.source
            assert await x.ended() and await y.ended()
            assert x.reason == "TimeUp" and not x.remote_ended and y.remote_ended
            assert any(here.played)
        await b.close()
    finally:
        limits.WARN_MS = kept


def test_talks_no_longer():
    run(no_longer)
