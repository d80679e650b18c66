# usip: prompts: a WAV file or one of raw G.711, streamed
# MIT licence; Copyright (c) 2026 the usip authors

from ..errors import UsageError
from . import g711

_FRAME = g711.FRAME
_LAWS = {"alaw": 8, "al": 8, "pcma": 8, "ulaw": 0, "ul": 0, "mulaw": 0, "pcmu": 0}


class _Raw:
    # Octets of G.711 and nothing else. Nothing allocates but the last frame.
    def __init__(self, f, law):
        self.f = f
        self.law = law
        self._buf = bytearray(_FRAME)

    def rewind(self):
        self.f.seek(0)

    def readinto(self, pcm):
        n = self.f.readinto(self._buf) or 0
        while 0 < n < _FRAME:  # flash gives whole frames; a pipe may not
            more = self.f.readinto(memoryview(self._buf)[n:])
            if not more:
                break
            n += more
        g711.decode(self.law, self._buf, 0, n, pcm)
        return n


class Prompt:
    """A file of sound as a source (see tones.py): WAV, or raw G.711 whose `law` (8 PCMA, 0 PCMU)
    its name tells, as in door.alaw or door.ulaw. Never more of it than a frame is in memory. At its
    end it is closed, unless it is to `loop`.
    """

    def __init__(self, name, law=None, loop=False):
        self.loop = loop
        try:
            f = open(name, "rb")
        except OSError as e:
            raise UsageError("cannot open %s: %s" % (name, getattr(e, "strerror", None) or e))
        try:
            if law is None:
                law = _LAWS.get(name.rsplit(".", 1)[-1].lower())
            if law is None:
                from .wav import Reader

                self._reader = Reader(f)
            elif law in (0, 8):
                self._reader = _Raw(f, law)
            else:
                raise UsageError("no such law")
        except UsageError as e:
            f.close()
            raise UsageError("%s: %s" % (name, e))

    def readinto(self, pcm):
        """Fill a frame; how many samples there are until the end of the file."""
        n = self._reader.readinto(pcm) if self._reader else 0
        if n < _FRAME:
            if self.loop:
                self._reader.rewind()
                if not n:
                    n = self._reader.readinto(pcm)
            if n < _FRAME:
                g711.copy(g711.SILENCE, 0, 2 * (_FRAME - n), pcm, 2 * n)
                if not self.loop:
                    self.close()
                elif n:
                    n = _FRAME  # it goes on
        return n

    def close(self):
        if self._reader:
            self._reader.f.close()
        self._reader = None
