# usip: a stranger's call whose offer names a third party: that is sent no more than it sends

import asyncio

from phonenet import Lan, Peer, phone, run
from sip import SDP
from usip.media.stream import MediaStream

HEAPS = 2
THIRD = (b"192.0.2.77", 6000)


async def third(allow):
    lan = Lan()
    a = await phone(lan, b"192.0.2.1", allow=allow)
    peer = Peer(lan)
    got = [0, 0]

    def seen(source, to, data):
        got[0] += to[0] == THIRD[0]
        got[1] += source[0] == THIRD[0]
        return False

    lan.drop = seen
    offer = SDP.replace(b"c=IN IP4 192.0.2.9", b"c=IN IP4 " + THIRD[0])
    call = await peer.called(a, (b"Contact", b"<sip:x@192.0.2.9>"), offer)
    await asyncio.sleep(0.3)
    if allow != "any":  # who is listed may have it where it likes
        assert got[0] > 5
    else:
        assert got == [0, 0], got
        # It is there, and speaks: then it hears as much.
        s = MediaStream(8)
        for _ in range(20):
            n = s.frame_out(None)
            lan.carry(THIRD, (b"192.0.2.1", call.endpoint.port), bytes(s.tx[:n]))
            await asyncio.sleep(0.02)
        await asyncio.sleep(0.3)
        assert 10 < got[0] <= got[1], got
    await a.close()


def test_a_stranger():
    run(third, "any")


def test_who_is_listed():
    run(third, "192.0.2.9")
