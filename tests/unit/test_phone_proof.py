# usip: what a call gives to whom, before and after he has shown that he is there

import asyncio

from phonenet import Ear, Lan, Net, Peer, Phone, phone, run
from phonesound import Microphone, live
from sip import SDP, request, response
from usip import limits
from usip.media.stream import MediaStream
from usip.message import parse

HEAPS = 2  # there are two parties in it
CONTACT = b"Contact", b"<sip:x@192.0.2.9>"
# One octet that is no character, and a scheme that we have no way for
ODD = b"Contact", b"<sips:\xff@192.0.2.9>"


class Line:
    """A stream of sound from `source` to a call's socket."""

    def __init__(self, lan, source, digits):
        self.lan = lan
        self.source = source
        self.stream = MediaStream(8, 101)
        self.stream.send_digits(digits, 100)

    async def send(self, call, frames):
        for _ in range(frames):
            n = self.stream.frame_out(None)
            if n:
                to = b"192.0.2.1", call.endpoint.port
                self.lan.carry(self.source, to, bytes(self.stream.tx[:n]))
            await asyncio.sleep(0.02)


async def forged():
    # An INVITE in the name of who is allowed, whose sound shall go to the forger. He cannot send
    # an ACK: he does not see our tag.
    lan = Lan()
    ear = Ear()
    how = {"allow": "192.0.2.9", "auto_answer": True, "audio": Microphone(), "listener": ear}
    a = await phone(lan, b"192.0.2.1", **how)
    peer = Peer(lan)
    evil = b"192.0.2.66", 6000
    got = [0, 0]

    def seen(source, to, data):
        if to == evil:
            got[0] += 1
            got[1] += live(data)
        return False

    lan.drop = seen
    offer = SDP.replace(b"c=IN IP4 192.0.2.9", b"c=IN IP4 192.0.2.66")
    peer.send(request(b"INVITE", more=CONTACT, body=offer))
    call = await a.incoming()
    line = Line(lan, evil, b"12")
    await line.send(call, 45)
    assert call.core.state == b"W" and got[0] > 30 and not got[1], got
    assert "dtmf" not in ear.events
    # The ACK comes from who was called for: now he is heard, with what he has pressed before.
    await peer.acknowledge()
    assert await call.answered()
    await line.send(call, 10)
    assert got[1] > 2, got
    assert ear.events.count("dtmf") == 2
    await a.close()


def test_no_microphone_and_no_digits_before_the_ack():
    run(forged)


async def early(way):
    # Digits that are typed while it rings count for nothing, from wherever they come.
    lan = Lan()
    ear = Ear()
    a = await phone(lan, b"192.0.2.1", listener=ear, allow=way)
    peer = Peer(lan)
    call = await peer.called(a, CONTACT, ring=183)
    await asyncio.sleep(0.1)
    line = Line(lan, (b"192.0.2.9", 7777), b"7")
    await line.send(call, 14)
    call.answer()
    await peer.acknowledge()
    assert await call.answered()
    await line.send(call, 60)
    assert call.pump.stream.locked and "dtmf" not in ear.events
    line.stream.send_digits(b"8", 100)
    await line.send(call, 14)
    assert ear.events.count("dtmf") == 1
    await a.close()


def test_digits_of_before_the_answer():
    for way in ("any", "192.0.2.9"):
        run(early, way)


async def third(most):
    # Who sends an ACK has shown where he is, and not that his Contact is there too.
    lan = Lan()
    a = await phone(lan, b"192.0.2.1", allow="any")
    peer = Peer(lan)
    sent = [0, 0]

    def seen(source, to, data):
        sent[0] += len(data) if source[0] == b"192.0.2.9" else 0
        sent[1] += len(data) if to[0] == b"198.51.100.9" else 0
        return False

    lan.drop = seen
    call = await peer.called(a, (b"Contact", b"<sip:x@198.51.100.9>"))
    call.hangup()
    assert await call.ended(5000)
    assert sent[1] <= sent[0], sent
    assert a.agent.guard.stranger((b"198.51.100.9", 5060))
    await a.close()


def test_a_contact_elsewhere_gets_no_more_than_was_sent():
    limits.T1 = 25
    limits.T2 = 200
    limits.TIMEOUT = limits.BYE_MS = 1600
    run(third, 5000)


async def odd(calls):
    # The default trace takes notes of what has no way; nothing of it may raise.
    lan = Lan()
    ear = Ear()
    a = Phone(net=Net(lan, b"192.0.2.1"), listener=ear)
    await a.start()
    peer = Peer(lan)
    if calls:
        call = await a.call("sip:x@192.0.2.9")
        invite = parse(await peer.get())
        peer.send(response(invite, 200, b"t", ODD, body=SDP))
    else:
        call = await peer.called(a, ODD)
    await asyncio.sleep(0.1)
    call.hangup()
    await asyncio.sleep(0.7)
    assert "error" not in ear.events, ear.detail
    assert "no way to sips:?@192.0.2.9" in a.explain()
    await a.close()


def test_a_contact_that_is_no_text():
    for calls in (True, False):
        run(odd, calls)
