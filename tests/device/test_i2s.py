# usip: tests of sound by I2S on a fake of the driver, one for each of its quirks
# MIT licence; Copyright (c) 2026 the usip authors

import gc

import fakemachine
from fakemachine import I2S, freeze, step
from usip.errors import UsageError

fakemachine.install()

from usip_micropython.i2s import Amplifier, I2SAudio, Microphone  # noqa: E402  (needs `machine`)
from usip_micropython.turns import TurnsAudio  # noqa: E402

SILENCE = bytes(320)


def sample(pcm, i):
    s = pcm[2 * i] | pcm[2 * i + 1] << 8
    return s - 0x10000 if s & 0x8000 else s


def crossings(pcm):
    """How often it goes up through zero: the cycles of a tone."""
    n = 0
    for i in range(1, len(pcm) // 2):
        n += sample(pcm, i - 1) < 0 <= sample(pcm, i)
    return n


def peak(pcm):
    return max([abs(sample(pcm, i)) for i in range(len(pcm) // 2)])


def fresh(*faults):
    fakemachine.clear()
    I2S.keep = 0
    fakemachine.controllers = 2
    for f in faults:
        fakemachine.faults.add(f)
    freeze()


def audio(rate=16000, bits=32, **how):
    return I2SAudio(
        Microphone(0, 14, 15, 32, rate=rate, bits=bits),
        Amplifier(1, 26, 25, 22, rate=rate, **how),
    )


def seconds(a, frames=100):
    """Play what was recorded; how many frames were not there."""
    pcm = bytearray(320)
    a.start()
    heard = 0
    for i in range(frames):
        a.readinto(pcm)
        # From the second frame on it is a tone at its level, whatever the driver does: nothing is
        # lost, doubled or shifted by half a sample.
        if pcm != SILENCE:
            heard += 1
            if heard > 1:
                assert 3600 < peak(pcm) < 4200, (i, peak(pcm))
                assert abs(crossings(pcm) - a.microphone.tone) <= 1, (i, crossings(pcm))
        a.write(pcm)
        step(20)
    return frames - heard


def passes(faults, rate=16000, bits=32):
    fresh(*faults)
    a = audio(rate, bits)
    a.microphone.tone = 20 if rate == 16000 else 10  # cycles in 20 ms
    I2S.keep = 80000
    missing = seconds(a)
    rx, tx = I2S.live[0], I2S.live[1]
    # What is behind a block is late once; then there is always a frame.
    assert missing <= 3 and a.microphone.gaps == missing
    # Some parts wait for the next frame, none gets lost.
    assert a.amplifier.dropped == 0 and tx.gaps == 0 and rx.lost == 0
    out = tx.heard[rate // 1000 * 2 * 200 :]
    n = len(out) * 1000 // 2 // rate
    assert n > 1700
    assert abs(crossings(out) - n * a.microphone.tone // 20) <= n // 100
    a.stop()
    assert not I2S.live


def test_blocks_of_256():
    passes(())
    passes((), 8000)
    passes((), 16000, 16)
    passes((), 8000, 16)


def test_blocks_of_16():
    passes(("blocks-16",))
    passes(("blocks-16",), 8000)


def test_short_reads():
    passes(("short-reads",), 16000, 16)
    passes(("short-reads", "blocks-16"), 8000)


def test_a_ring_that_is_full_of_zeros_is_the_delay():
    # An ESP32's driver, as another platform's would be driven, and as it is.
    behind = []
    for full in (False, True):
        fresh("starts-full")
        a = audio(full=full)
        a.microphone.tone = 20
        seconds(a)
        tx = I2S.live[1]
        assert tx.gaps == 0 and a.amplifier.dropped <= 2  # of the first
        behind.append((tx.at - tx._frames() + a.amplifier._left // 2) // 16)
    # Milliseconds, 20 after the last frame: a block of delay less.
    assert behind[1] <= 30 and behind[1] + 16 <= behind[0], behind


def test_octal_psram():
    passes(("octal-psram",))


def ping_pong():
    # What the documentation's examples do: the callback asks for the next transfer.
    fresh()
    tx = I2S(1, sck=1, ws=2, sd=3, mode=I2S.TX, bits=16, format=I2S.MONO, rate=16000, ibuf=4096)
    return tx, bytearray(640)


def test_a_lost_callback_ends_a_ping_pong_player_and_not_this_one():
    tx, buf = ping_pong()
    fakemachine.faults.add("lost-irq")
    tx.irq(lambda i: i.write(buf))
    tx.write(buf)
    step(2000)
    assert tx.callbacks == 4  # the quirk is there: silence since then
    passes(("lost-irq",))


def test_a_second_write_is_dropped_without_a_word_and_not_here():
    tx, buf = ping_pong()
    fakemachine.faults.add("second-write")
    done = []
    tx.irq(done.append)
    assert tx.write(buf) == tx.write(buf) == 640
    step(100)
    assert len(done) == 1 and tx.at == 320
    passes(("second-write",))


def test_a_pause_of_100_ms():
    for more in ((), ("blocks-16",)):
        fresh(*more)
        a = audio()
        a.microphone.tone = 20
        seconds(a, 20)
        rx, tx = I2S.live[0], I2S.live[1]
        assert (rx.lost, tx.gaps, a.microphone.gaps <= 3) == (0, 0, True)
        step(100)  # the collector, say
        pcm = bytearray(320)
        for _ in range(5):  # the pump leaves out what was not sent in time
            a.readinto(pcm)
        gaps = a.microphone.gaps
        for _ in range(30):
            a.readinto(pcm)
            a.write(pcm)
            step(20)
        # Sound is back, at once and not late; what was lost is what the driver has no room for.
        assert 1 <= tx.gaps <= 2 and 0 < rx.lost < 1600
        assert a.microphone.gaps - gaps <= 2 and a.amplifier.dropped == 0
        assert rx._waiting() <= 3 * 256 and tx.at - tx._frames() <= tx.room
        assert peak(pcm) > 3600


def test_too_fast_a_program_loses_frames_and_never_blocks():
    fresh()
    a = audio()
    a.start()
    pcm = bytearray(320)
    for _ in range(10):
        a.write(pcm)
    assert a.amplifier.dropped == 7  # in 64 ms are that of the start, two, and a part of one
    for _ in range(10):
        a.readinto(pcm)
    assert a.microphone.gaps == 10


def test_louder_with_saturation():
    for louder, least, most in ((0, 480, 520), (3, 3900, 4100), (8, 32767, 32767)):
        fresh()
        m = Microphone(0, 1, 2, 3, rate=8000, louder=louder)
        m.start()
        step(100)
        pcm = bytearray(320)
        assert m.readinto(pcm) and least <= peak(pcm) <= most, peak(pcm)


def test_volume_leaves_the_callers_frame_alone():
    fresh()
    I2S.keep = 4000
    a = Amplifier(0, 1, 2, 3, rate=8000, volume=0x8000)
    a.start()
    pcm = bytearray(b"\x00\x10" * 160)
    assert a.write(pcm) and pcm == b"\x00\x10" * 160
    assert I2S.live[0].heard == bytes(320) + b"\x00\x08" * 160


def test_all_of_16_khz_for_g722():
    for bits in (16, 32):
        fresh()
        a = I2SAudio(
            Microphone(0, 14, 15, 32, bits=bits, louder=0),
            Amplifier(1, 26, 25, 22, volume=0x8000),
            True,
        )
        assert a.rate == 16000 and I2SAudio().rate == 8000
        pcm = bytearray(b"\x55" * 640)
        a.start()
        a.readinto(pcm)
        assert pcm == bytes(640)  # nothing yet, and all of that
        step(100)
        a.readinto(pcm)
        wide = crossings(pcm), peak(pcm)
        narrow = bytearray(320)
        a.readinto(narrow)
        step(20)
        a.readinto(narrow)  # the filter has begun
        assert wide[0] > 10 and abs(crossings(narrow) - wide[0]) <= 1, (bits, wide)
        assert 0.9 < peak(narrow) / wide[1] < 1.1
        I2S.keep = 8000
        speaker = I2S.live[1]
        before = len(speaker.heard)
        for i in range(640):
            pcm[i] = i & 1 and 0x10
        assert a.amplifier.write(pcm) and pcm[1] == 0x10
        for _ in range(20):
            step(20)
            a.amplifier.write(pcm)
        assert b"\x00\x08" * 320 in speaker.heard[before:]
    fresh()
    pcm = bytearray(b"\x55" * 640)
    I2SAudio(None, None, True).readinto(pcm)
    assert pcm == bytes(640)


def test_the_amplifier_sleeps_between_calls():
    fresh()
    a = Amplifier(1, 26, 25, 22, enable=21)
    p = fakemachine.pins[21]
    assert p.history == [(1000, 0)]  # off before anybody asks
    a.start()
    assert p() == 1
    a.stop()
    assert p() == 0 and not I2S.live
    a.stop()
    assert not a.write(bytearray(320))


def test_refuses():
    for make in (
        lambda: Microphone(0, 1, 2, 3, rate=44100),
        lambda: Microphone(0, 1, 2, 3, bits=24),
        lambda: Amplifier(0, 1, 2, 3, blocks=2),
    ):
        try:
            make()
            raise AssertionError
        except UsageError:
            pass
    fresh()
    fakemachine.controllers = 1
    a = audio()
    try:
        a.start()
        raise AssertionError
    except ValueError:
        pass
    assert not I2S.live  # nothing half started


class Steady:
    """A driver that always has a third of what is asked for, and makes no garbage itself."""

    def __init__(self):
        self.n = 0

    def readinto(self, buf, n=None):
        if n is None:
            n = len(buf)
        self.n += 1
        return n if self.n % 2 == 0 else n // 12 * 4

    def write(self, buf, at, n):
        self.n += 1
        return n if self.n % 2 == 0 else n // 12 * 4


def frames(a, pcm, n):
    for _ in range(n):
        a.readinto(pcm)
        a.write(pcm)


def test_a_frame_allocates_nothing():
    for rate, bits in ((16000, 32), (16000, 16), (8000, 32)):
        fresh()
        a = audio(rate, bits, volume=0x4000)
        a.start()
        a.microphone._i2s = Steady()
        a.amplifier._i2s = Steady()
        pcm = bytearray(320)
        frames(a, pcm, 6)
        if not hasattr(gc, "mem_alloc"):
            return  # CPython
        gc.collect()
        gc.disable()
        before = gc.mem_alloc()
        frames(a, pcm, 1000)
        used = gc.mem_alloc() - before
        gc.enable()
        assert used == 0, used
        # A frame in several parts, each way: it is that way that was measured.
        assert a.microphone._i2s.n > 2000 < a.amplifier._i2s.n and not a.microphone.gaps


# --- one controller for both ---


class Voices:
    """A door and a house that speak when told to, on one controller."""

    def __init__(self):
        fresh()
        fakemachine.controllers = 1
        self.pcm = bytearray(320)
        self.audio = TurnsAudio(
            Microphone(0, 1, 2, 3, rate=8000, bits=16), Amplifier(0, 1, 2, 4, rate=8000)
        )
        self.audio.start()

    def go(self, far, near, frames):
        """Frames until the microphone has the turn, and how many of `frames` it had it."""
        I2S.level = 8000 if near else 0
        for x in I2S.live.values():
            x.hear(I2S.level)
        had = first = 0
        for i in range(frames):
            self.audio.readinto(self.pcm)
            if self.audio.listening:
                had += 1
                first = first or i + 1
            for j in range(0, 320, 2):
                s = 6000 if far and j & 8 else 0
                self.pcm[j] = s & 255
                self.pcm[j + 1] = s >> 8
            self.audio.write(self.pcm)
            step(20)
        I2S.level = 4000
        return first, had


def test_turns():
    v = Voices()
    a = v.audio
    assert not a.listening
    v.go(True, False, 50)
    assert not a.listening  # the house speaks
    first, _ = v.go(False, False, 30)
    assert 13 <= first <= 18  # 300 ms after its last word
    v.go(False, True, 20)
    turns = a.turns
    # The door speaks: the house has to wait, for 5 s and not longer.
    first, had = v.go(True, True, 300)
    assert 200 <= had < 300 and not a.listening and a.turns == turns + 1
    assert v.go(True, False, 5) == (0, 0)


def test_turns_by_button():
    v = Voices()
    v.audio.push(True)
    assert v.go(True, False, 10)[1] == 9
    v.audio.push(False)
    assert v.go(False, True, 50)[1] == 1
    v.audio.push(None)
    assert v.go(False, False, 30)[1] > 20
    v.audio.stop()
    v.audio.stop()
    assert not I2S.live


def test_a_turn_that_fails_is_tried_again():
    v = Voices()
    start = v.audio.microphone.start
    tries = []

    def fails():
        tries.append(1)
        if len(tries) < 4:
            raise OSError(12)
        start()

    v.audio.microphone.start = fails
    v.audio.push(True)
    v.go(False, False, 3)
    assert v.audio.failed and not v.audio.listening
    v.go(False, False, 3)
    assert v.audio.listening and v.audio.failed is None
