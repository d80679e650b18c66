# usip: what is over is over: the sound of a call that we hung up, the port of the one before

import asyncio

from phonenet import Lan, run, two, up
from usip import limits
from usip.media.stream import MediaStream

HEAPS = 2  # there are two phones in it


async def hung_up():
    # The BYE gets lost for as long as it may: nothing is heard of us meanwhile.
    lan = Lan()
    a, b = await two(lan)
    x, y = await up(a, b)
    while y.stats.get("packets_received", 0) < 3:
        await asyncio.sleep(0.01)
    lan.drop = lambda source, to, data: data[:4] == b"BYE "
    x.hangup()
    assert lan.open(b"192.0.2.1") == 0 and x.stats["packets_sent"] >= 3
    n = y.stats["packets_received"]
    await asyncio.sleep(0.1)
    assert y.stats["packets_received"] <= n + 3 and not x.over
    lan.drop = None
    assert await x.ended() and await y.ended()
    assert (x.code, y.code, y.remote_ended) == (200, 200, True)
    # the next one finds everything in its place
    x, y = await up(a, b)
    while x.stats.get("packets_received", 0) < 3:
        await asyncio.sleep(0.01)
    await a.close()
    await b.close()
    assert lan.endpoints == []


def test_hung_up_is_silent():
    run(hung_up)


async def ports():
    lan = Lan()
    a, b = await two(lan)
    seen = []
    for _ in range(3):
        x, y = await up(a, b)
        seen.append((x.endpoint.port, y.endpoint.port))
        x.hangup()
        assert await x.ended() and await y.ended()
    first = limits.RTP_PORT
    assert seen == [(first + 2 * n, first + 2 * n) for n in range(3)], seen
    a.driver._port = limits.RTP_PORTS - 1  # it begins anew, and passes over what is taken
    for n in (limits.RTP_PORTS - 1, 0):
        x, y = await up(a, b)
        assert x.endpoint.port == first + 2 * n
    await a.close()
    await b.close()
    assert lan.endpoints == []


def test_each_call_has_another_port():
    run(ports)


def test_who_is_named_may_take_it_back_after_the_ack():
    # Somebody else's packets came for seconds before the peer's first: a call that is over for us.
    s, peer, other = MediaStream(8), MediaStream(8), MediaStream(8)
    here, there = (b"192.0.2.9", 4000), (b"192.0.2.9", 4002)
    s.remote = here
    pcm = bytearray(320)

    def comes(stream, source):
        n = stream.frame_out(pcm)
        s.receive(stream.tx, n, source)
        s.frame_in(pcm)

    for _ in range(120):
        comes(other, there)
    assert s.locked and s.remote == there
    s.remote = here  # the ACK
    comes(other, there)
    comes(peer, here)
    assert s.locked and s.remote == here
    n = s.refused
    comes(other, there)
    assert s.refused == n + 1
