# What the echo canceller takes off recorded speech: ERLE in dB, a second each.
# USAGE: erle.py TAPS CASE FAR.wav NEAR.wav
# CASE: plain, noise (-50 dBFS), clip (an amplifier at its end); after 6 s: moved (another path),
# turned (the path inverted), louder (by 6 dB); or double (somebody speaks from 5 to 8 s, 6 dB above
# the echo).

import sys

from usip.media import gain
from usip.media.echo import Canceller
from usip.media.g711 import SILENCE
from usip.media.wav import Reader
from voice import Dice, Room, db, energy, get, put

SECONDS = 12
DELAY = 10
# The direct sound at -6 dB; reflections of a housing and of a room that fade within 16 ms.
TAPS = ((1, 36), (2, -27), (3, 20), (4, 14), (5, -17), (7, 10), (9, -7), (11, 5), (13, -3), (15, 2))
MOVED = ((1, -30), (2, 25), (3, 24), (4, -16), (6, 12), (8, -9), (10, 5), (12, 4), (14, -2))


class Tape:
    """Speech at -22 dBFS, again and again. Pauses of more than 0.1 s are left out."""

    def __init__(self, name):
        self.reader = Reader(open(name, "rb"))
        self.agc = gain.Agc(-20, 24, -20, 32767)
        self.pauses = 0

    def frame(self, pcm):
        while True:
            if self.reader.readinto(pcm) < 160:
                self.reader.rewind()
                continue
            self.pauses = self.pauses + 1 if energy(pcm) < 160 * 10000 else 0
            if self.pauses <= 5:
                break
        self.agc.process(pcm)
        return pcm


def clipped(pcm):
    for i in range(160):
        s = get(pcm, i)
        a = abs(s)
        if a > 2000:
            a = 2000 + (a - 2000) // 4
        put(pcm, i, a if s > 0 else -a)


def main(taps, case, far, near):
    canceller = Canceller(taps, DELAY)
    room = Room(DELAY, 128, TAPS)
    noise = Dice(3)
    far, near = Tape(far), Tape(near)
    a, b, said = bytearray(320), bytearray(320), bytearray(320)
    echo = left = 0.0
    for k in range(50 * SECONDS):
        if k == 300 and case in ("moved", "turned", "louder"):
            line, at = room.line, room.at
            if case == "moved":
                room = Room(DELAY, 110, MOVED)
            else:
                times = 2 if case == "louder" else -1
                room = Room(DELAY, times * 128, [(ms, times * g) for ms, g in TAPS])
                room.line, room.at = line, at
        said[:] = SILENCE
        if case == "double" and 250 <= k < 400:
            near.frame(said)
        a[:] = SILENCE
        room.record(a)
        echo += energy(a)
        for i in range(160):
            s = get(said, i)
            put(a, i, get(a, i) + s + noise.noise(180 if case == "noise" else 12))
        canceller.near(a)
        for i in range(160):
            put(said, i, get(a, i) - get(said, i))
        left += energy(said)
        far.frame(b)
        canceller.far(b)
        if case == "clip":
            clipped(b)
        room.play(b)
        if k % 50 == 49:
            print("%.1f" % db(echo, left))
            echo = left = 0.0


main(int(sys.argv[1]), *sys.argv[2:5])
