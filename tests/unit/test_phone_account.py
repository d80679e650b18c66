# usip: phones at a registrar: registering, moving, texts, and going where a 302 points
# MIT licence; Copyright (c) 2026 the usip authors

from phonenet import Ear, Lan, Net, Phone, phone, run, two, up
from usip.server.runner import Server

HEAPS = 2  # there are two phones in it
USERS = {b"a": b"secret", b"b": b"hidden"}


async def home(lan):
    s = Server(Net(lan, b"192.0.2.5"), (None, 5060), USERS, b"192.0.2.5", Ear())
    await s.start()
    return s


async def register():
    lan = Lan()
    s = await home(lan)
    a = Phone(b"sip:a@192.0.2.5", "secret", net=Net(lan, b"192.0.2.1"), trace=False)
    async with a:
        assert await a.registered()
        assert s.registrar.lookup(b"a") == [b"sip:a@192.0.2.1:5060"]
    assert s.listener.events == ["registered", "unregistered"]
    assert s.registrar.lookup(b"a") == [] and a.closed
    assert await a.registered() is False
    # A wrong password: said once, and nothing is waited for that cannot come.
    ear = Ear()
    b = await phone(lan, b"192.0.2.2", b"sip:b@192.0.2.5", "secret", listener=ear)
    await ear.heard("registration-failed")
    assert ear.detail == "wrong user name or password" and not await b.registered(1)
    await b.close()
    await s.close()
    assert lan.endpoints == []


def test_registered():
    run(register)


async def moved():
    lan = Lan()
    s = await home(lan)
    a = await phone(lan, b"192.0.2.1", b"sip:a@192.0.2.5", "secret")
    b = await phone(lan, b"192.0.2.2")
    assert await a.registered()
    x, y = await up(a, b)
    a.reregister()  # nothing has changed: the call hears nothing of it
    assert x.core.change().state == b"N"
    a.net.ip = b"192.0.2.77"
    ear = b.listener = Ear()
    a.reregister()
    await ear.heard("media")
    assert y.core.sdp.remote.host == b"192.0.2.77" and not y.over
    while b"sip:a@192.0.2.77:5060" not in s.registrar.lookup(b"a"):
        await a.wait(lambda: False, 5)
    y.hangup()  # and finds it where it is now
    assert await x.ended() and x.remote_ended
    await a.close()
    await b.close()
    await s.close()


def test_reregister_moves_a_call():
    run(moved)


async def texts():
    lan = Lan()
    s = await home(lan)
    a = await phone(lan, b"192.0.2.1")
    # Who goes where a redirect points comes from his own address.
    allow = "registrar, 192.0.2.1"
    b = await phone(lan, b"192.0.2.2", b"sip:b@192.0.2.5", "hidden", allow=allow)
    assert await b.registered()
    there = "sip:b@192.0.2.5"
    # The registrar points to it: gone to where that is asked for, and only there.
    assert await a.message(there, "x") == 302 and await b.next_message(1) is None
    assert await a.message(there, "gr\u00fc\u00df Gott", follow=True) == 200
    assert (await b.next_message())[1] == "gr\u00fc\u00df Gott"
    assert await a.message("sip:nobody@192.0.2.5", "x", follow=True) == 404
    assert await a.message("sip:b@nowhere.example", "x") == 503
    assert await a.options("sip:b@192.0.2.2") == 200
    assert await a.options("sip:nobody@192.0.2.5") == 404
    x = await a.call(there)
    assert not await x.answered() and (x.code, x.reason) == (302, "Redirected")
    assert lan.open() == 0
    x = await a.call(there, follow=True)
    y = await b.incoming()
    y.answer()
    assert await x.answered()
    x.hangup()
    assert await y.ended() and await x.ended()
    await a.close()
    await b.close()
    await s.close()
    assert lan.endpoints == []


def test_texts_and_redirects():
    run(texts)


async def direct():
    lan = Lan()
    a, b = await two(lan)
    assert await a.message("sip:b@192.0.2.2", "one") == 200
    assert await a.message("sip:b@192.0.2.2", "two") == 200
    assert (await b.next_message())[1] == "one" and (await b.next_message())[1] == "two"
    b.calls.refuse = 486
    x = await a.call("sip:b@192.0.2.2")
    assert not await x.answered() and x.reason == "Busy"
    await a.close()
    await b.close()


def test_texts_without_a_registrar():
    run(direct)
