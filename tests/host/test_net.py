"""The sockets of the CPython port."""

import asyncio
import os
import socket

import pytest

from usip_cpython.net import Net

FOUR = [(socket.AF_INET, socket.SOCK_DGRAM, 17, "", ("192.0.2.7", 0))]
SIX = [(socket.AF_INET6, socket.SOCK_DGRAM, 17, "", ("2001:db8::7", 0, 0, 0))]


@pytest.fixture
def looked(monkeypatch):
    """What was asked of the resolver: (host, family)."""
    asked = []

    def getaddrinfo(host, port, family=0, type=0, proto=0, flags=0):
        asked.append((host, family))
        if host.startswith("no."):
            raise socket.gaierror(-2, "unknown")
        # A machine with IPv6 names the IPv6 address first.
        return FOUR if family == socket.AF_INET else SIX if family else SIX + FOUR

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    return asked


@pytest.fixture
def endpoint():
    open_ = []

    def make(net, *args):
        open_.append(net.udp(*args))
        return open_[-1]

    yield make
    for e in open_:
        e.sock.close()


def test_resolve_keeps_to_the_family_of_the_sockets(looked, endpoint):
    net = Net()
    endpoint(net, "127.0.0.1", 0)
    assert net.resolve(b"box.example", 5060) == ("192.0.2.7", 5060)
    assert looked == [("box.example", socket.AF_INET)]
    try:
        endpoint(net, "::1", 0)
    except OSError:
        if os.environ.get("CI"):
            raise
        pytest.skip("no IPv6 here")
    net.forget()
    assert net.resolve(b"box.example", 5061) == ("2001:db8::7", 5061, 0, 0)


def test_a_name_is_looked_up_once_for_all_ports(looked):
    net = Net()
    assert net.resolve(b"box.example", 5060) == ("192.0.2.7", 5060)
    assert net.resolve(b"box.example", 16384) == ("192.0.2.7", 16384)
    assert len(looked) == 1
    assert net.resolve(b"no.example", 5060) is None
    assert net.resolve(b"no.example", 5060) is None and len(looked) == 3  # asked again
    assert net.resolve(b"\xff\xfe", 5060) is None
    for i in range(100):
        net.resolve(b"h%d.example" % i, 5060)
    assert len(net._names) <= 64


def test_prepare_fills_what_resolve_uses(looked):
    net = Net()
    asyncio.run(net.prepare(b"box.example"))
    assert len(looked) == 1
    assert net.resolve(b"box.example", 5060) == ("192.0.2.7", 5060) and len(looked) == 1
    asyncio.run(net.prepare(b"no.example"))  # raises nothing
    asyncio.run(net.prepare(b"\xff\xfe"))


def test_prepare_does_not_stop_the_loop(monkeypatch):
    # The resolver answers when the loop has gone on: were it called in the loop it never would.
    net = Net()

    async def main():
        loop = asyncio.get_running_loop()

        def look(host):
            return asyncio.run_coroutine_threadsafe(on(), loop).result(10)

        async def on():
            return FOUR[0][4]

        monkeypatch.setattr(net, "_look", look)
        await asyncio.wait_for(net.prepare(b"box.example"), 10)

    asyncio.run(main())
    assert net.resolve(b"box.example", 5060) == ("192.0.2.7", 5060)


def test_forget(looked):
    net = Net()
    net.resolve(b"box.example", 5060)
    net.forget()
    net.resolve(b"box.example", 5060)
    assert len(looked) == 2


def test_sendto_never_raises(endpoint):
    e = endpoint(Net(), "127.0.0.1", 0)
    assert e.sendto(b"x", ("127.0.0.1", 9)) is True
    assert e.sendto(b"x" * 70_000, ("127.0.0.1", 9)) is True  # too long: lost, the socket is fine
    assert e.sendto(b"x", ("2001:db8::7", 5060, 0, 0)) in (True, False)
    for bad in ((), ("127.0.0.1",), ("127.0.0.1", "x"), None, ("127.0.0.1", 99_999)):
        assert e.sendto(b"x", bad) is False, bad
    e.close()
    assert e.sendto(b"x", ("127.0.0.1", 9)) is False


def test_readinto_one_datagram_at_a_time(endpoint):
    async def main():
        net = Net()
        a, b = endpoint(net, "127.0.0.1", 0), endpoint(net, "127.0.0.1", 0)
        buf = bytearray(16)
        assert b.readinto(buf) is None
        a.sendto(b"one", ("127.0.0.1", b.port))
        a.sendto(b"three", ("127.0.0.1", b.port))
        got = []
        while len(got) < 2:
            await asyncio.wait_for(b.readable(), 10)
            n = b.readinto(buf)
            while n is not None:
                got.append(bytes(buf[:n]))
                n = b.readinto(buf)
        assert got == [b"one", b"three"]
        assert net.readable_address(b.source) == (b"127.0.0.1", a.port)
        b.close()
        assert b.readinto(buf) is None

    asyncio.run(main())


def test_local_for():
    assert Net("192.0.2.3").local_for(("127.0.0.1", 5060)) == b"192.0.2.3"
    assert Net().local_for(("127.0.0.1", 5060)) == b"127.0.0.1"
    assert Net().local_for(("127.0.0.1", 5060), "192.0.2.4") == b"192.0.2.4"
    assert Net().local_for(("127.0.0.1", 5060), "0.0.0.0") == b"127.0.0.1"
