"""The sockets of the CPython port."""

import asyncio
import ipaddress
import os
import re
import runpy
import socket
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import runner
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


def test_look_keeps_to_the_family_of_the_sockets(looked, endpoint):
    net = Net()
    endpoint(net, "127.0.0.1", 0)
    assert asyncio.run(net.look(b"box.example")) == b"192.0.2.7"
    assert looked == [("box.example", socket.AF_INET)]
    try:
        endpoint(net, "::1", 0)
    except OSError:
        if os.environ.get("CI"):
            raise
        pytest.skip("no IPv6 here")
    assert asyncio.run(net.look(b"box.example")) == b"2001:db8::7"
    assert net.resolve(b"2001:db8::7", 5061) == ("2001:db8::7", 5061, 0, 0)
    assert net.resolve(b"192.0.2.7", 5061) is None


def test_resolve_takes_addresses_alone(looked):
    net = Net()
    assert net.resolve(b"192.0.2.7", 16384) == ("192.0.2.7", 16384)
    for host in (b"box.example", b"1.2.3", b"256.1.1.1", b"", b"\xff", b"a\0b", b"2001:db8::7"):
        assert net.resolve(host, 5060) is None, host
    assert looked == []


def test_look_raises_nothing(looked):
    net = Net()
    for host in (b"no.example", b"\xff\xfe", b"a\0b", b"." * 300):
        assert asyncio.run(net.look(host)) in (None, b"192.0.2.7"), host


NUMERIC = Path(runner.ROOT) / "ports/micropython/usip_micropython/numeric.py"
numeric = runpy.run_path(str(NUMERIC))["numeric"]


@given(st.one_of(st.ip_addresses(v=4), st.ip_addresses(v=6)))
def test_numeric_takes_every_address(address):
    if not getattr(address, "ipv4_mapped", None):  # which newer Pythons write with points
        assert numeric(str(address).encode())
    assert numeric(address.exploded.upper().encode())


@given(st.text(st.sampled_from("0123456789abcdefg:."), max_size=40))
def test_numeric_takes_nothing_else(text):
    # What it lets through must be an address for the resolver too, which would ask about a name.
    if numeric(text.encode()):
        ipaddress.ip_address(re.sub(r"(^|\.)0+(?=\d)", r"\1", text))


def test_prepare_does_not_stop_the_loop(monkeypatch):
    # The resolver answers when the loop has gone on: were it called in the loop it never would.
    net = Net()

    async def main():
        loop = asyncio.get_running_loop()

        def look(host):
            return asyncio.run_coroutine_threadsafe(on(), loop).result(10)

        async def on():
            return b"192.0.2.7"

        monkeypatch.setattr(net, "_look", look)
        return await asyncio.wait_for(net.look(b"box.example"), 10)

    assert asyncio.run(main()) == b"192.0.2.7"


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
