# usip: a peer that says nothing while nobody speaks: comfort noise, talk-spurts, clocks that jump

from usip.media import g711
from usip.media.playout import NOISE
from usip.media.stream import MediaStream

LOUD = bytearray(b"\x00\x20" * 160)


def rand(n):
    return bytes([n + 7 * i & 255 for i in range(n)])


class Peer:
    """Sends packets by hand; ours plays a frame after each step."""

    def __init__(self, skip=0):
        self.ours = MediaStream(8, 101, rand=rand)
        self.ours.remote = "sdp"
        self.seq = 0xFFF0
        self.ts = 0xFFFFF000  # both wrap soon
        self.ssrc = b"\x12\x34\x56\x78"
        self.pcm = bytearray(320)
        self.heard = []  # of each frame whether it was loud
        self.now = 0

    def packet(self, pt, payload, marker=False):
        ts = self.ts & 0xFFFFFFFF
        head = bytearray((0x80, pt | (0x80 if marker else 0), self.seq >> 8, self.seq & 255))
        head += bytes((ts >> 24, ts >> 16 & 255, ts >> 8 & 255, ts & 255)) + self.ssrc
        self.seq = (self.seq + 1) & 0xFFFF
        return bytes(head) + payload

    def give(self, data, addr="sdp"):
        at = 0
        while at < len(data):
            self.ours.receive(data, len(data), addr, self.now, at)
            at = self.ours.end

    def play(self, counted=True):
        self.now += 20
        if counted:
            self.ts += 160
        self.ours.frame_in(self.pcm)
        self.heard.append(0x1E <= self.pcm[201] < 0x40)

    def talk(self, frames, marker=True):
        coded = bytearray(160)
        g711.encode(8, LOUD, 160, coded, 0)
        for i in range(frames):
            self.give(self.packet(8, bytes(coded), marker and i == 0))
            self.play()

    def pause(self, frames, noise=None, counted=True):
        """`noise`: comfort noise of so many octets, at its beginning and every 10 frames."""
        for i in range(frames):
            if noise and i % 10 == 0:
                self.give(self.packet(NOISE, bytes(noise)))
            self.play(counted)

    def spurts(self):
        """The lengths of what was loud, in frames."""
        found = []
        before = False
        for loud in self.heard:
            if loud and not before:
                found.append(0)
            if loud:
                found[-1] += 1
            before = loud
        return found


def test_comfort_noise_is_silence_and_no_loss():
    p = Peer()
    for _ in range(3):
        p.talk(30)
        p.pause(40, noise=1)
    s = p.ours.stats()
    assert p.spurts() == [30, 30, 30]
    assert s["frames_concealed"] == s["packets_late"] == s["packets_lost"] == 0
    assert s["packets_received"] == 3 * 34 and s["delay_ms"] == 80


def test_comfort_noise_of_some_octets_with_spectrum():
    p = Peer()
    for n in (1, 5, 11):
        p.talk(20)
        p.pause(20, noise=n)
    assert p.spurts() == [20, 20, 20] and p.ours.stats()["frames_concealed"] == 0


def test_comfort_noise_read_together_with_what_follows():
    # A connected socket reads on: the packet of noise does not tell where it ends.
    p = Peer()
    p.talk(10)
    coded = bytes(160)
    for n in (1, 3, 11):
        noise = p.packet(NOISE, bytes(n))
        p.ts += 160
        p.give(noise + p.packet(8, coded))
        p.ts += 160
        p.play()
    s = p.ours.stats()
    assert s["packets_received"] == 16 and s["packets_lost"] == 0


def test_a_peer_that_begins_with_comfort_noise():
    # It sends nothing else while nobody speaks there: it is alive, and its source is known.
    p = Peer()
    for _ in range(5):
        p.give(p.packet(NOISE, b"\x40"), "public")
        for _ in range(10):
            p.play()
    assert p.ours.remote == "public" and p.ours.quiet == 10
    p.give(p.packet(NOISE, b"\x40"), "public")
    assert p.ours.quiet == 0


def test_talk_spurts_keep_their_time():
    # Silence that is not sent takes no sequence numbers, but time.
    p = Peer()
    for _ in range(4):
        p.talk(25)
        p.pause(25)
    s = p.ours.stats()
    assert s["packets_lost"] == s["packets_late"] == 0 and s["delay_ms"] == 80
    assert p.spurts() == [25] * 4  # what is made up after each is softer
    assert s["frames_concealed"] == 12


def test_talk_spurts_that_do_not_count_the_silence():
    # The timestamp goes on where it was: playing begins anew with each.
    p = Peer()
    for _ in range(4):
        p.talk(25)
        p.pause(50, counted=False)
    s = p.ours.stats()
    assert p.spurts() == [25] * 4 and s["packets_late"] == 0, (p.spurts(), s)
    assert s["delay_ms"] <= 100


def test_a_spurt_that_comes_late():
    # The network has become 60 ms slower meanwhile.
    p = Peer()
    p.talk(25)
    p.pause(25)
    for _ in range(3):
        p.ours.frame_in(p.pcm)
        p.heard.append(False)
    p.talk(50)
    s = p.ours.stats()
    # The delay of 60 ms was enough for it, or has grown: nothing of it is lost.
    assert p.spurts()[0] == 25 and p.spurts()[-1] >= 47 and s["packets_late"] == 0


def test_the_clock_jumps():
    p = Peer()
    for jump in (100000, -100000, 0x7FFFFFFF, -0x7FFFFFFF):
        p.talk(25)
        p.ts += jump
    p.talk(25)
    s = p.ours.stats()
    assert s["packets_lost"] == 0 and s["packets_received"] == 125
    # After each the buffer fills anew, and what it held is given up.
    assert sum(p.spurts()) >= 125 - 5 * 4, p.spurts()


def test_the_source_has_another_ssrc():
    p = Peer()
    for i in range(3):
        p.ssrc = bytes((i, 2, 3, 4))
        p.seq = (p.seq + 7777) & 0xFFFF
        p.ts += 555555
        p.talk(25)
    s = p.ours.stats()
    assert s["packets_lost"] == 0 and s["packets_received"] == 75
    assert sum(p.spurts()) >= 75 - 3 * 4, p.spurts()
