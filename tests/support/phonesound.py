# usip tests: sound devices of whole phones, in memory
# MIT licence; Copyright (c) 2026 the usip authors

from usip.media import g711


class Microphone:
    """A steady tone of its own, unlike any other."""

    def start(self):
        pass

    stop = start

    def readinto(self, pcm):
        for i in range(320):
            pcm[i] = 0x11

    def write(self, pcm):
        pass


def live(data):
    """Whether a packet of G.711 has our microphone in it."""
    return len(data) == 172 and data[12:20] == data[20:28] and data[12] not in (0xD5, 0x55)


class Sound:
    """Keeps how loud each frame was that was played."""

    def __init__(self):
        self.played = []

    def start(self):
        pass

    def stop(self):
        pass

    def readinto(self, pcm):
        g711.copy(g711.SILENCE, 0, 320, pcm, 0)

    def write(self, pcm):
        loud = False
        for i in range(1, 320, 2):
            if 8 < pcm[i] < 128:
                loud = True
        self.played.append(loud)
