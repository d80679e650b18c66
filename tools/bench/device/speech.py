# The pieces of work of a board's own sound that are counted. A module of its own, imported when all
# others are done: what lies in the heap before moves their figures.

from usip.media import gain, rate
from usip.media.duplex import HalfDuplex
from usip.media.echo import Canceller


class Speech:
    """One frame is played and one recorded, its echo."""

    def __init__(self, speech, pcm):
        self.speech = speech
        self.pcm = pcm
        self.near = bytearray(320)
        self.far = bytearray(320)

    def frame(self):
        self.far[:] = self.near[:] = self.pcm
        self.speech.near(self.near)
        self.speech.far(self.far)


def learning(taps, pcm):
    """A canceller that learns from each block, which is what costs most."""
    c = Canceller(taps)
    frame = Speech(c, pcm).frame
    for _ in range(3):
        frame()
    return c


def pieces():
    pcm = bytearray([i * 37 & 255 for i in range(320)])
    soft = bytearray(320)
    wide = bytearray(640)
    halver = rate.Halver()
    return {
        "volume": lambda: gain.scale(soft, 50000),
        "halve_16k": lambda: halver.process(wide, soft),
        "half_duplex": Speech(HalfDuplex(), pcm).frame,
        "half_duplex_agc": Speech(HalfDuplex(gain.Agc()), pcm).frame,
        "nlms_64": Speech(learning(64, pcm), pcm).frame,
        "nlms_128": Speech(learning(128, pcm), pcm).frame,
    }
