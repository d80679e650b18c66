# usip: a microphone whose clock is not the processor's: the pump follows it

import fakemachine
from fakemachine import I2S, freeze, step

fakemachine.install()

from usip_micropython.i2s import I2SAudio, Microphone  # noqa: E402  (needs `machine`)

MINUTE = 3000  # frames
RATE = 8000


def talk(ppm, follow, faults=()):
    """A minute: frames that were not there after the first second, samples that were lost, and the
    most that ever waited in the driver, ms."""
    fakemachine.reset()
    fakemachine.controllers = 2
    for f in faults:
        fakemachine.faults.add(f)
    freeze()
    I2S.ppm = ppm
    try:
        a = I2SAudio(Microphone(0, 14, 15, 32, rate=RATE, bits=16), None)
        a.start()
        pcm = bytearray(320)
        gaps = most = 0
        for i in range(MINUTE):
            a.readinto(pcm)
            step(20)
            if i % 50 == 49:
                ms = a.pace()
                if follow and ms > 0:
                    step(ms)
                elif follow and ms < 0:
                    fakemachine.freeze(fakemachine.ms() + ms)
            if i == 50:
                gaps = a.microphone.gaps
            if i > MINUTE // 2:
                most = max(most, I2S.live[0]._waiting())
        lost = I2S.live[0].lost
        gaps = a.microphone.gaps - gaps
        a.stop()
        return gaps, lost, most * 1000 // RATE
    finally:
        I2S.ppm = 0


def test_its_clock_sets_the_pace():
    for faults in ((), ("blocks-16",)):
        for ppm in (0, 800, -800):
            gaps, lost, most = talk(ppm, True, faults)
            # What waits in the driver: a block (32 ms), and what is too little for a frame.
            assert (gaps, lost) == (0, 0) and most <= 60, (faults, ppm, gaps, lost, most)


def test_without_following_it_is_lost():
    assert talk(-800, False)[0] > 1
    assert talk(800, False)[2] > talk(800, True)[2] + 20


def test_a_pace_costs_nothing():
    import gc

    if not hasattr(gc, "mem_alloc"):
        from skip import Skip

        raise Skip("no gc.mem_alloc()")
    fakemachine.reset()
    fakemachine.controllers = 2
    freeze()
    a = I2SAudio(Microphone(0, 14, 15, 32), None)
    a.start()
    a.pace()
    gc.collect()
    gc.disable()
    before = gc.mem_alloc()
    for _ in range(20):
        a.pace()
    after = gc.mem_alloc()
    gc.enable()
    a.stop()
    assert after == before
