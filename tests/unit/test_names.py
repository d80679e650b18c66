# usip: names of hosts: the application's are looked up before they are needed, the network's never

import asyncio

from phonenet import Ear, Lan, Net, Peer, Phone, phone, run
from sip import SDP
from usip import limits
from usip.names import Names
from usip.server.runner import Server

HEAPS = 2  # there are two parties in it
BOX = b"box.example"
FIRST = b"192.0.2.5"
SECOND = b"192.0.2.6"


async def box(lan, ip):
    s = Server(Net(lan, ip), (None, 5060), {b"a": b"secret"}, BOX, Ear())
    await s.start()
    return s


def door(lan, names, **how):
    net = Net(lan, b"192.0.2.1", names)
    return Phone(b"sip:a@" + BOX, "secret", net=net, trace=False, **how)


async def once():
    lan = Lan()
    s = await box(lan, FIRST)
    a = door(lan, {BOX: FIRST})
    look = a.net.look

    async def bound(host):
        assert [e for e in lan.endpoints if e.net is a.net]  # else its family is not known
        return await look(host)

    a.net.look = bound
    async with a:
        assert await a.registered()
        # Calls through it ask no more for it.
        await a.message("b", "x")
        call = await a.call("b")
        assert not await call.answered()
        assert a.net.asked == [BOX]
    await s.close()


def test_a_home_is_looked_up_once():
    run(once)


async def late():
    # The name server answers after the phone was started: that is tried again, by itself.
    lan = Lan()
    s = await box(lan, FIRST)
    ear = Ear()
    a = door(lan, {}, listener=ear)
    await a.start()
    await ear.heard("registration-failed")
    assert ear.detail == "cannot reach the registrar"
    a.net.names[BOX] = FIRST
    await ear.heard("registered")
    await a.close()
    await s.close()


def test_a_name_that_is_known_later():
    limits.BACKOFF_FIRST = limits.NAMES_AGAIN = 50
    run(late)


async def moves():
    # Another address for the same name: dynamic DNS, a registrar with a spare one.
    lan = Lan()
    s = await box(lan, FIRST)
    ear = Ear()
    a = door(lan, {BOX: FIRST}, listener=ear)
    await a.start()
    assert await a.registered()
    await s.close()
    s = await box(lan, SECOND)
    a.net.names[BOX] = SECOND
    a.reregister()  # the network came back
    await ear.heard("registered", 2)
    assert s.registrar.lookup(b"a")
    # No name server: what was known is better than nothing.
    a.net.names.clear()
    a.reregister()
    await ear.heard("registered", 3)
    await a.close()
    await s.close()


def test_a_registrar_that_moves():
    run(moves)


async def network():
    # An INVITE with names wherever there may be one: nobody is asked for them, the call is held.
    lan = Lan()
    a = await phone(lan, b"192.0.2.1")
    peer = Peer(lan)
    heard = []

    def seen(source, to, data):
        if source[0] == b"192.0.2.1" and source[1] != 5060:
            heard.append(to)
        return False

    lan.drop = seen
    sdp = SDP.replace(b"c=IN IP4 192.0.2.9", b"c=IN IP4 slow.example")
    assert b"slow" in sdp
    more = (b"Contact", b"<sip:x@away.example>", b"Record-Route", b"<sip:proxy.example;lr>")
    call = await peer.called(a, more, sdp)
    await asyncio.sleep(0.1)
    # Its sound goes where its messages come from: once that is proven by its ACK.
    assert (b"192.0.2.9", 6000) in heard, heard
    call.hangup()
    bye = b""
    while bye[:4] != b"BYE ":
        bye = await peer.get()
    assert bye.startswith(b"BYE sip:x@away.example "), bye
    assert b"<sip:proxy.example;lr>" in bye
    assert a.net.asked == []
    await a.close()


def test_names_in_a_call_are_not_looked_up():
    run(network)


async def table():
    net = Net(Lan(), b"192.0.2.1", {})
    for i in range(3 * limits.NAMES):
        net.names[b"h%d.example" % i] = b"192.0.2.%d" % i
    net.names[BOX] = FIRST
    n = Names(net)
    n.homes.append(BOX)
    assert n.address(BOX, 5060) is None
    await n.prepare(BOX)
    await n.prepare(BOX)
    assert net.asked == [BOX] and n.address(BOX, 5060) == (FIRST, 5060)
    for i in range(3 * limits.NAMES):
        await n.prepare(b"h%d.example" % i)
        assert n.address(b"h%d.example" % i, 1) == (b"192.0.2.%d" % i, 1)
        assert len(n._found) <= limits.NAMES + 1
    assert n.address(BOX, 5060) == (FIRST, 5060)
    await n.prepare(b"192.0.2.9")
    assert b"192.0.2.9" not in net.asked
    assert not await n.again()
    # Asked for once in a while, and after a week of peace again.
    for t, asks in (
        (0, 1),
        (limits.NAMES_AGAIN - 1, 0),
        (limits.NAMES_AGAIN + 1, 1),
        (700_000_000, 1),
    ):
        before = len(net.asked)
        n.ask(None, t)
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert len(net.asked) - before == asks, t
    net.names[BOX] = SECOND
    assert await n.again() and n.address(BOX, 5060) == (SECOND, 5060)


def test_names_are_few():
    run(table)
