# usip: who hears the microphone, and what comes while a phone or a call ends

import asyncio

from phonenet import Ear, Lan, Net, Peer, Phone, phone, run, up
from phonesound import Microphone, Sound, live
from sip import SDP
from usip import limits

HEAPS = 3  # there are three phones in it
CONTACT = b"Contact", b"<sip:x@192.0.2.9>"


async def held():
    lan = Lan()
    a = await phone(lan, b"192.0.2.1", audio=Microphone())
    b = await phone(lan, b"192.0.2.2")
    x, y = await up(a, b)
    heard = []
    lan.drop = lambda source, to, data: source[0] == b"192.0.2.1" and heard.append(live(data))

    async def now():
        heard.clear()
        await asyncio.sleep(0.2)
        return any(heard)

    assert await now()
    x.hold(True)
    while x.core.sdp.remote.direction != "sendonly":
        await asyncio.sleep(0.01)
    await asyncio.sleep(0.05)
    assert not await now() and heard  # silence, which keeps a NAT open
    x.hold(False)
    while x.core.sdp.remote.direction != "sendrecv":
        await asyncio.sleep(0.01)
    await asyncio.sleep(0.05)
    assert await now()
    await a.close()
    await b.close()


def test_who_is_held_hears_nothing():
    run(held)


async def handover():
    # A person at the door talks to a, and c was answered by itself, without sound. When the person
    # goes, c has the microphone: that is told at the door as it would have been at first.
    lan = Lan()
    here = Sound()
    how = {"allow": "192.0.2.*", "auto_answer": ["b2"], "audio": here}
    b = await phone(lan, b"192.0.2.2", **how)
    a = await phone(lan, b"192.0.2.1")
    c = await phone(lan, b"192.0.2.3", b"sip:b2@192.0.2.3")
    x, _ = await up(b, a)
    z = await c.call("sip:b@192.0.2.2")
    assert await z.answered()
    w = await b.incoming()
    await asyncio.sleep(0.7)
    assert w.was_answered and w.pump.audio is None and not any(here.played)
    x.hangup()
    await asyncio.sleep(0.4)
    assert w.pump.audio is here and any(here.played)
    for p in (a, b, c):
        await p.close()


def test_the_microphone_is_not_passed_on_in_silence():
    run(handover)


async def closing():
    # While it waits for the answers to its BYE and its last REGISTER, it takes no call.
    lan = Lan()
    a = await phone(lan, b"192.0.2.1", allow="192.0.2.2", auto_answer=True)
    b = await phone(lan, b"192.0.2.2")
    w = await b.call("sip:a@192.0.2.1")
    assert await w.answered()
    lan.drop = lambda source, to, data: data[:4] == b"BYE " and source[0] == b"192.0.2.1"
    task = asyncio.create_task(a.close())
    await asyncio.sleep(0.05)
    lan.drop = None
    z = await b.call("sip:a@192.0.2.1")
    assert not await z.answered() and z.code == 480
    await task
    await b.close()


def test_a_call_while_it_closes():
    run(closing)


async def ourselves():
    # SDP that names our own socket: what we send is no sign of life of anybody's.
    lan = Lan()
    a = await phone(lan, b"192.0.2.1", allow="192.0.2.9")
    peer = Peer(lan)
    offer = SDP.replace(b"c=IN IP4 192.0.2.9", b"c=IN IP4 192.0.2.1")
    call = await peer.called(a, CONTACT, offer.replace(b"6000", b"%d" % limits.RTP_PORT))
    assert call.endpoint.port == limits.RTP_PORT
    assert await call.ended(4000) and call.reason == "NoSound"
    assert call.stats["packets_received"] == 0
    await a.close()


def test_sound_to_ourselves():
    limits.RTP_TIMEOUT = 1000
    limits.T1 = 10
    limits.TIMEOUT = limits.BYE_MS = 640
    run(ourselves)


async def bytes_():
    # Datagrams of one byte at the sound's port, 150 a second: the default trace sees them too.
    lan = Lan()
    ear = Ear()
    a = Phone(net=Net(lan, b"192.0.2.1"), listener=ear)
    await a.start()
    b = await phone(lan, b"192.0.2.2")
    x, y = await up(b, a)
    while not y.pump.stream.locked:
        await asyncio.sleep(0.02)
    before = y.stats["packets_received"]
    for _ in range(20):
        for data in (b"x", b"\x80", b""):
            lan.carry((b"203.0.113.66", 9), (b"192.0.2.1", y.endpoint.port), data)
        await asyncio.sleep(0.02)
    assert "error" not in ear.events, ear.detail
    assert y.stats["packets_received"] - before > 10
    x.hangup()
    await a.close()
    await b.close()


def test_a_byte_to_the_port_of_the_sound():
    run(bytes_)
