# usip: digits by INFO, RFC 4733 and as tones: sent each way, and one stream where a peer sends them
# more than one way

from phonenet import Ear, Lan, run, two, up

HEAPS = 2  # there are two phones in it


async def sent():
    lan = Lan()
    a, b = await two(lan, inband=True)
    for mode in ("info", "rtp", "inband"):
        vias = []

        class Ways(Ear):
            def __call__(self, event, subject, detail, vias=vias):
                if event == "dtmf":
                    vias.append(detail[2])
                Ear.__call__(self, event, subject, detail)

        b.listener = Ways()
        x, y = await up(a, b)
        await x.send_digits("5#", mode, 100)
        assert await y.digit(2000) == "5" and await y.digit(2000) == "#", mode
        assert y._digits == [] and vias == [mode] * 2, (mode, vias)
        x.hangup()
        await y.ended()
    await a.close()
    await b.close()
    assert lan.endpoints == []


def test_each_way_there_and_once():
    run(sent)


async def merged():
    lan = Lan()
    a, b = await two(lan)
    ways = ("info", "rtp", "inband")
    for first in range(3):
        for turn in (1, 2):
            x, y = await up(a, b)
            order = [ways[(first + i * turn) % 3] for i in range(3)]

            def came(digit, via, y=y):
                if via == "info":
                    b.agent.listener("dtmf", y.core, (digit, 160, via))
                else:
                    y.digit_came(digit, via)

            for digit in (b"1", b"1", b"5"):
                for via in order:
                    came(digit, via)
            # One of them lags behind by two digits.
            for via in order[:2]:
                for digit in (b"9", b"#", b"9"):
                    came(digit, via)
            got = []
            for _ in range(7):
                got.append(await y.digit(10))
            assert got == ["1", "1", "5", "9", "#", "9", None], (order, got)
            x.hangup()
            await y.ended()
    await a.close()
    await b.close()
    assert lan.endpoints == []


def test_three_ways_are_one_stream():
    run(merged)
