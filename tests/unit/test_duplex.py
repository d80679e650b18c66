# usip: tests of half duplex: a loudspeaker that the microphone hears
# MIT licence; Copyright (c) 2026 the usip authors

from array import array

from usip.media import _duplex_plain, duplex
from usip.media.duplex import FAR, IDLE, NEAR, HalfDuplex
from usip.media.g711 import copy
from usip.media.gain import Agc
from voice import Dice, Room, Voice, db, energy

FRAME = 160
SILENCE = bytes(320)


class Station:
    """A door station: frame() is 20 ms of it. `said` and `sent` are what reaches the microphone
    from a mouth alone, and what goes to the far end; `said_far` and `played` the other way."""

    def __init__(self, delay_ms=40, gain=128, taps=(), speech=None, seed=9):
        self.speech = speech or HalfDuplex()
        self.room = Room(delay_ms, gain, taps)
        self.noise = Dice(seed)
        self.near = bytearray(320)
        self.far = bytearray(320)
        self.said = self.sent = self.said_far = self.played = 0.0
        self.last = 0.0

    def frame(self, near=None, far=None):
        a, b = self.near, self.far
        if near:
            near.frame(a)
        else:
            a[:] = SILENCE
        self.said, self.last = self.last, energy(a)  # it is sent a frame later
        self.room.record(a, self.noise)
        self.speech.near(a)
        self.sent = energy(a)
        if far:
            far.frame(b)
        else:
            b[:] = SILENCE
        self.said_far = energy(b)
        self.speech.far(b)
        self.played = energy(b)
        self.room.play(b)

    def run(self, n, near=None, far=None):
        """Sums over `n` frames: said (a frame earlier), sent, said_far, played."""
        sums = [0.0] * 4
        for _ in range(n):
            self.frame(near, far)
            sums = [
                sums[0] + self.said,
                sums[1] + self.sent,
                sums[2] + self.said_far,
                sums[3] + self.played,
            ]
        return sums


def echo_return(delay_ms, seed, gain=128, taps=(), frames=80, speech=None):
    s = Station(delay_ms, gain, taps, speech)
    s.run(10)
    _, sent, said, played = s.run(frames, far=Voice(seed, on=35, off=15))
    assert db(played, said) > -0.1  # who speaks is heard
    return db(sent, said)


def test_echo_is_40_db_down():
    for delay in (10, 40, 80, 120):
        e = echo_return(delay, delay)
        print("echo of", delay, "ms:", e, "dB")
        assert e < -40, (delay, e)


def test_echo_of_a_room_and_through_agc():
    # a softer one, a hall of 80 ms, and the microphone's gain turned up
    taps = ((7, -40), (19, 40), (37, -25), (80, 12))
    assert echo_return(60, 4, 100, taps, speech=HalfDuplex(Agc())) < -40


def switched(station, way, limit, near=None, far=None):
    """How many frames until `way` has the line."""
    for n in range(limit):
        station.frame(near, far)
        if station.speech.way == way:
            return n
    return limit


def test_first_syllables_are_kept():
    for seed in (1, 2):
        s = Station()
        s.run(20)
        assert s.speech.way == IDLE
        n = switched(s, NEAR, 5, near=Voice(seed))
        # The frame that it begins in is too soft to be told from noise, at most.
        assert n <= 1, n
        s = Station()
        s.run(20)
        voice = Voice(seed)
        said, sent, _, _ = s.run(6, near=voice)
        assert -0.2 < db(sent, said) < 0.2
        # the far end's, too
        s = Station()
        s.run(20)
        _, _, said, played = s.run(6, far=Voice(seed))
        assert -0.1 < db(played, said) < 0.1


def test_near_interrupts():
    for seed, delay in ((1, 10), (2, 60), (3, 120)):
        s = Station(delay)
        far = Voice(seed, 4000)
        s.run(100, far=far)
        assert s.speech.way == FAR
        n = switched(s, NEAR, 10, near=Voice(seed + 10, 16000), far=far)
        assert n <= 1, (delay, n)  # in the frame that it begins in or in the next: under 40 ms
        # and keeps the line while the other one goes on
        voice = Voice(seed + 20, 16000)
        said, sent, heard, played = s.run(25, near=voice, far=far)
        assert db(sent, said) > -1, delay
        assert db(played, heard) < -40, delay


def test_far_interrupts():
    s = Station()
    near = Voice(1, 4000)
    s.run(20)
    s.run(40, near=near)
    assert s.speech.way == NEAR
    assert switched(s, FAR, 10, near=near, far=Voice(2, 16000)) <= 1


def test_far_answers_in_a_pause():
    # Near has stopped in the middle of its hold-over: an answer as loud is not kept waiting.
    s = Station()
    s.run(60, near=Voice(1))
    s.run(6)
    assert s.speech.way == NEAR
    assert switched(s, FAR, 5, far=Voice(2, 9000)) <= 1


def test_near_answers_after_far():
    for delay in (10, 120):
        s = Station(delay)
        s.run(100, far=Voice(3, 8000))
        s.run(5)  # 100 ms, within the time that an echo may take
        assert switched(s, NEAR, 10, near=Voice(4, 12000)) <= 2, delay


def test_line_is_held_over_pauses_and_then_free():
    s = Station()
    s.run(20)
    s.run(30, near=Voice(1))
    n = switched(s, IDLE, 40)
    assert 13 <= n <= 17, n
    s.run(30, far=Voice(2))
    n = switched(s, IDLE, 40)
    assert 13 <= n <= 17, n


def test_noise_is_no_speech():
    class Noise:
        def __init__(self, peak):
            self.dice = Dice(3)
            self.peak = peak

        def frame(self, pcm):
            for i in range(FRAME):
                x = self.dice.noise(self.peak)
                pcm[2 * i] = x & 0xFF
                pcm[2 * i + 1] = x >> 8 & 0xFF

    s = Station()
    street = Noise(600)  # -39 dBFS
    s.run(60, near=street)
    said, sent, _, _ = s.run(20, near=street)
    assert s.speech.way == IDLE
    assert -13.5 < db(sent, said) < -11.5  # the gate
    # over which a far end is heard as before, and a near one too
    assert switched(s, FAR, 3, near=street, far=Voice(1)) <= 1


def test_louder_loudspeaker_is_learned():
    # 9 dB louder than all that it is prepared for: it is mistaken, and then knows.
    s = Station(40, 720)
    far = Voice(5, 6000)
    s.run(80, far=far)
    _, sent, said, played = s.run(60, far=far)
    assert db(sent, said) < -40
    assert db(played, said) > -0.1
    assert s.speech.echo.coupling > 400
    s.speech.reset()
    assert s.speech.echo.coupling == 256


def test_push_to_talk():
    s = Station()
    s.speech.talk = True
    said, sent, heard, played = s.run(10, near=Voice(1, 2000), far=Voice(2, 16000))
    assert s.speech.way == NEAR and db(sent, said) > -0.5 and played < heard / 1000
    s.speech.talk = False
    s.run(1, near=Voice(1), far=Voice(2))
    said, sent, heard, played = s.run(10, near=Voice(1, 16000), far=Voice(2, 2000))
    assert s.speech.way == FAR and sent < said / 10000 and db(played, heard) > -0.1
    s.speech.talk = None
    s.run(30)
    assert s.speech.way == IDLE


def test_an_offset_is_no_speech():
    s = Station()
    pcm = bytearray(320)
    for _ in range(50):
        for i in range(FRAME):
            pcm[2 * i] = 0xB8  # 3000
            pcm[2 * i + 1] = 0x0B
        s.speech.near(pcm)
    assert s.speech.way == IDLE and energy(pcm) < 160 * 4


def test_twin():
    dice = Dice(31)

    def both(name, args):
        out = []
        for f in (getattr(duplex, "_" + name), getattr(_duplex_plain, name)):
            own = [x if isinstance(x, int) else x[:] for x in args]
            y = f(*own)
            out.append([y] + [x if isinstance(x, int) else list(x) for x in own])
        assert out[0] == out[1], (name, out)
        for i in range(len(args)):
            if not isinstance(args[i], int):
                for j in range(len(args[i])):
                    args[i][j] = out[0][i + 1][j]
        return out[0][0]

    pcm, other = bytearray(320), bytearray(320)
    near, far = array("i", bytes(20)), array("i", bytes(20))
    ring, c, state = array("i", bytes(256)), array("i", bytes(4 * 44)), array("i", (0,))
    for k in range(40):
        for x in (pcm, other):
            for i in range(320):
                x[i] = dice.below(256) >> (k % 9 if i & 1 else 0)
        if k > 30:  # as loud as can be
            pcm = bytearray(b"\x00\x80" * 160)
        both("bins", [pcm, near])
        at = k * 4 & 63
        for lag in (-1, 0, 3, 43):
            both("heard", [ring, near, state, at, lag, (3, 384, 3072)[k % 3]])
        if k & 1:
            both("learn", [ring, near, c, at, 44, k * 10, 2048, 7 - k % 3])
        both("bins", [other, far])
        both("play", [ring, at, far, k & 3])
        both("swap", [pcm, other, 320])


def test_nothing_is_allocated():
    import gc

    if not hasattr(gc, "mem_alloc"):
        from skip import Skip

        raise Skip("no gc.mem_alloc()")
    from micropython import heap_lock, heap_unlock

    speech = HalfDuplex(Agc())
    voice = Voice(1).frame(bytearray(320))
    for i in range(20):
        Voice(i).frame(voice)
    near, far = bytearray(320), bytearray(320)

    def frames(n):
        for i in range(n):
            # by turns, so that all ways are gone
            copy(voice if i // 40 % 3 == 1 else SILENCE, 0, 320, near, 0)
            copy(voice if i // 50 % 2 else SILENCE, 0, 320, far, 0)
            speech.near(near)
            speech.far(far)

    frames(1)
    gc.collect()
    gc.disable()
    grown = []
    for n in (1, 1, 1000):
        before = gc.mem_alloc()
        frames(n)
        grown.append(gc.mem_alloc() - before)
    gc.enable()
    assert grown[1] == grown[2], grown
    heap_lock()
    try:
        speech.near(near)
        speech.far(far)
    finally:
        heap_unlock()
