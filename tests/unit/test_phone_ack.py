# usip: a call that is answered while its ACK is lost: what is heard from the 200 on, and what waits

from phonenet import Lan, run, two

HEAPS = 2  # there are two phones in it


async def without(known, goes=False):
    lan = Lan()
    lan.drop = lambda source, to, data: data[:4] == b"ACK "
    a, b = await two(lan)
    if known:
        b.agent.guard.know((b"192.0.2.1", 5060))
    x = await a.call(b"sip:b@192.0.2.2")
    y = await b.incoming()
    y.answer()
    assert await x.answered()
    if known:
        await x.send_digits("5", "rtp", 40)
        assert await y.digit(100) is None
        assert y.stats["packets_received"] > 0 and not y.was_answered
        if goes:  # a BYE proves as much
            x.hangup()
            assert await y.digit() == "5"
        else:
            lan.drop = None  # the 200 comes again, and so does its ACK
            assert await y.digit() == "5" and y.was_answered
    else:
        # our sound would go to whatever address its offer named
        await x.send_digits("5", "rtp", 40)
        assert y.pump is None and y.stats == {}
    x.hangup()
    assert await x.ended() and await y.ended()
    assert (y.code, y.remote_ended) == (200, True)
    assert lan.open() == 0
    await a.close()
    await b.close()
    assert lan.endpoints == []


def test_who_is_known():
    run(without, True)


def test_who_is_known_and_goes():
    run(without, True, True)


def test_a_stranger():
    run(without, False)
