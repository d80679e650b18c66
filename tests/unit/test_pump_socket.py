# usip: how the pump reads its socket, and what it does when time was lost or nothing comes

import asyncio

from phonenet import Endpoint, Lan, Net, run, two, up
from usip import limits
from usip.clock import later
from usip.driver import now
from usip.media.rtcp import Rtcp
from usip.media.stream import MediaStream
from usip.pump import Pump

HEAPS = 2  # there are two phones in it


class Connected(Endpoint):
    """As MicroPython's: once it is connected it reads on, datagram after datagram, until the buffer
    is full; what does not fit of the last one is lost."""

    only = None
    times = 0

    def connect(self, address):
        self.only = self.source = address
        self.times += 1

    def reopen(self):
        self.only = None
        self.data.clear()  # a new socket: what the old one held is gone

    def readinto(self, buf):
        if not self.only:
            return Endpoint.readinto(self, buf)
        n = 0
        while self.data and n < len(buf):
            source, data = self.data.pop(0)
            if source == self.only:
                k = min(len(data), len(buf) - n)
                buf[n : n + k] = data[:k]
                n += k
        return n or None


class Told:
    """What a pump tells."""

    def __init__(self):
        self.digits = []
        self.faults = []
        self.silences = self.lives = 0

    def digit_came(self, d, via):
        self.digits.append(d)

    def alive(self):
        self.lives += 1

    def silent(self):
        self.silences += 1

    def fault(self, e):
        self.faults.append(e)


class Media:
    payload_type = 8
    event_type = event_type_in = 101
    direction = "sendrecv"
    host = b"192.0.2.9"
    port = rtcp = 4000


class Bench:
    """A pump whose 20 ms the test counts, and a peer's stream."""

    def __init__(self):
        lan = Lan()
        net = Net(lan, b"192.0.2.1")
        self.endpoint = Connected(net, 16384)
        lan.endpoints.append(self.endpoint)
        self.user = Told()
        self.pump = p = Pump(net)
        p.begin(self.endpoint, b"192.0.2.1", None, self.user)
        p._task = True  # the test is the loop
        p.agree(Media, Media.host)
        self.peer = MediaStream(8, 101)
        self.pcm = bytearray(320)
        self.address = p.stream.remote

    def send(self, source=None):
        n = self.peer.frame_out(self.pcm)
        if n:
            self.endpoint.data.append((source or self.address, bytes(self.peer.tx[:n])))

    def frames(self, n, source=None):
        for _ in range(n):
            self.send(source)
            self.pump._take()
            self.pump._frame()

    @property
    def stats(self):
        return self.pump.stream.stats()


def connected():
    b = Bench()
    b.frames(60)
    b.pump._second()
    assert b.endpoint.only == b.address
    return b


def test_an_even_stream_is_read_from_a_connected_socket():
    b = connected()
    assert len(b.pump._into) == 172
    b.frames(100)
    assert b.stats["packets_received"] == 160 and b.stats["packets_lost"] == 0
    # Nobody else is heard, and nothing of it is counted as the peer's
    b.frames(1, (b"192.0.2.66", 4000))
    assert b.stats["packets_received"] == 160 and b.endpoint.times == 1


def test_a_reinvite_loses_nothing():
    # On a busy machine some packets wait when the session is agreed on anew.
    b = connected()
    for _ in range(3):
        b.send()
    b.pump.agree(Media, Media.host)
    assert not b.endpoint.only
    b.frames(20)
    assert b.stats["packets_received"] == 83 and b.stats["packets_lost"] == 0
    assert not b.user.faults


def test_digits_that_are_read_together():
    b = connected()
    b.peer.send_digits(b"4711", 100)
    for _ in range(60):
        # Nothing is read for three frames: events and sound follow each other in one reading
        for _ in range(3):
            b.send()
        b.pump._take()
    assert b"".join(b.user.digits) == b"4711"
    # At each change from digits to sound one packet may be cut, none is taken for another.
    assert b.stats["packets_lost"] < 8 and not b.user.faults


def test_another_length_begins_anew():
    b = connected()
    b.peer = again = MediaStream(8, 101, ptime=40)
    again.sender.seq = 100
    b.frames(80)
    b.pump._second()
    assert not b.endpoint.only and len(b.pump._into) == limits.RTP_MAX
    b.frames(120)
    b.pump._second()
    assert b.endpoint.only and len(b.pump._into) == 332


def test_shorter_packets_too():
    b = connected()
    n = b.stats["packets_received"]
    # 10 ms, two of them each time: read in one piece, of which the first counts

    def two_more(i):
        for k in range(2):
            head = bytes([0x80, 8, 1, (2 * i + k) & 0xFF, 0, 0, 80 * (2 * i + k) >> 8 & 0xFF])
            head += bytes([80 * (2 * i + k) & 0xFF]) + bytes(b.peer.tx[8:12])
            b.endpoint.data.append((b.address, head + b"\xd5" * 80))
        b.pump._take()
        b.pump._frame()

    for i in range(50):
        two_more(i)
    b.pump._second()
    assert not b.endpoint.only  # it noticed
    for i in range(50, 60):
        two_more(i)
    assert b.stats["packets_received"] >= n + 19


def test_a_peer_that_moved_is_found_again():
    b = connected()
    other = (b"192.0.2.10", 5000)
    b.frames(100, other)
    assert b.stats["packets_received"] == 60
    b.pump._second()
    assert not b.endpoint.only
    b.frames(40, other)
    b.pump._second()
    assert b.pump.stream.remote == other == b.endpoint.only
    assert b.stats["packets_received"] == 100


def test_a_quiet_peer_does_not_cost_a_socket_each_second():
    # It holds us without a word in SDP, or its sound comes with pauses: a socket that is closed and
    # opened again answers what comes meanwhile with "port unreachable".
    b = connected()
    opened = []
    reopen = b.endpoint.reopen
    b.endpoint.reopen = lambda: (opened.append(1), reopen())
    for _ in range(10):
        for _ in range(50):
            b.pump._take()
            b.pump._frame()
        b.pump._second()
    assert len(opened) == 1 and not b.endpoint.only
    # It is heard at once, and read from a connected socket again
    b.frames(60)
    b.pump._second()
    assert b.endpoint.only == b.address and b.stats["packets_received"] == 120


def test_reports_to_where_there_is_no_way():
    # connect() fails where sendto() only loses a datagram: no route just now, or a peer that names
    # the broadcast address. The sound must not depend on it.
    b = Bench()

    class Unroutable(Connected):
        def connect(self, address):
            raise OSError(101)

    b.pump.net.udp = lambda host=None, port=0: Unroutable(b.pump.net, port)

    class Apart(Media):
        rtcp = 4001

    b.pump.agree(Apart, Apart.host)
    side = b.pump.rtcp.side
    b.frames(60)
    assert b.stats["packets_received"] == 60 and not b.user.faults
    # Reports are read all the same
    far = Rtcp(b.peer)
    n = far.report(0)
    side.data.append(((b"192.0.2.9", 4001), bytes(far.tx[:n])))
    b.pump._take()
    assert b.pump.rtcp._sr_at >= 0 and not b.user.faults


def test_an_offer_opens_the_socket_at_once():
    b = connected()

    class Elsewhere(Media):
        host = b"192.0.2.77"

    b.pump.agree(Elsewhere, Elsewhere.host)
    assert not b.endpoint.only and len(b.pump._into) == limits.RTP_MAX


def test_what_was_missed_is_left_out():
    b = Bench()
    b.frames(10)
    before = b.stats["packets_sent"]
    for _ in range(7):
        b.pump._miss()
    assert b.stats["packets_sent"] == before
    tx = b.pump.stream.tx
    seq, ts = tx[2] << 8 | tx[3], tx[6] << 8 | tx[7]
    b.frames(1)
    assert tx[1] & 0x80  # the marker: time has passed
    assert (tx[2] << 8 | tx[3]) == (seq + 1) & 0xFFFF
    assert (tx[6] << 8 | tx[7]) == (ts + 8 * 160) & 0xFFFF


def test_silence_is_told_once():
    b = Bench()
    b.frames(10)
    for _ in range(limits.RTP_TIMEOUT // 20):
        b.pump._take()
        b.pump._frame()
    assert not b.user.silences
    b.pump._second()
    assert b.user.silences == 1
    b.pump._second()
    assert b.user.silences == 1

    class Held(Media):
        direction = "sendonly"

    b.pump.agree(Held, Held.host)
    for _ in range(limits.RTP_TIMEOUT // 20 + 1):
        b.pump._take()
        b.pump._frame()
    b.pump._second()
    assert b.user.silences == 1  # it is held: nothing has to come


def test_who_reports_may_be_silent():
    # Voice mail that records says nothing for minutes.
    before = limits.RTP_TIMEOUT
    limits.RTP_TIMEOUT = 100
    try:
        b = Bench()
        b.frames(10)
        far = Rtcp(b.peer)

        def silence(report):
            for _ in range(10):
                b.pump._take()
                b.pump._frame()
            if report:
                n = far.report(0)
                b.pump.rtcp.receive(far.tx, 0, n, 0)
            b.pump._second()

        for _ in range(5):
            silence(True)
        assert not b.user.silences
        b.pump.rtcp.until = later(now(), -1)  # so long ago was the last
        silence(False)
        assert b.user.silences == 1
    finally:
        limits.RTP_TIMEOUT = before


async def dead():
    # The peer's power fails in the call.
    lan = Lan()
    a, b = await two(lan)
    x, y = await up(a, b)
    while not x.stats["packets_received"] > 2:
        await asyncio.sleep(0.01)
    port = x.endpoint.port
    lan.drop = lambda source, destination, data: (
        destination in ((b"192.0.2.1", port), (b"192.0.2.1", port + 1))
    )
    assert await x.ended(6000)
    assert x.reason == "NoSound" and not x.remote_ended
    assert await y.ended(1000) and y.remote_ended
    await a.close()
    await b.close()
    assert lan.endpoints == []


def test_no_sound_ends_the_call():
    before = limits.RTP_TIMEOUT
    limits.RTP_TIMEOUT = 1500
    try:
        run(dead)
    finally:
        limits.RTP_TIMEOUT = before


class Speech:
    """Notes what it is given; what it makes of it is recognized."""

    def __init__(self):
        self.did = []

    def reset(self):
        self.did.append("reset")

    def near(self, pcm):
        self.did.append(("near", pcm[0]))
        for i in range(len(pcm)):
            pcm[i] = 0

    def far(self, pcm):
        self.did.append(("far", pcm[0] != 0 or pcm[1] != 0))
        pcm[0] = 77


class Loud:
    """A microphone that gives noise; keeps what is played."""

    def __init__(self):
        self.played = []

    def start(self):
        pass

    def readinto(self, pcm):
        for i in range(len(pcm)):
            pcm[i] = 0x40

    def write(self, pcm):
        self.played.append(pcm[0])


def test_speech_is_between_the_line_and_the_sound():
    b = Bench()
    p = b.pump
    speech, audio = Speech(), Loud()
    p.begin(b.endpoint, b"192.0.2.1", audio, b.user, None, None, None, speech)
    p._task = True
    p.agree(Media, Media.host)
    p.take(audio)
    for i in range(320):
        b.pcm[i] = 0x20
    for _ in range(6):
        b.send()
        p._take()
        p._frame()
    assert speech.did[:3] == ["reset", ("near", 0x40), ("far", False)]
    assert speech.did[-1] == ("far", True)  # the peer's sound has come
    assert audio.played == [77] * 6  # and what is played is what it made of that
    # What is sent is what it left of the microphone: silence
    tx = p.stream.tx
    assert bytes(tx[12:172]) == b"\xd5" * 160


def test_reports_through_a_nat():
    # What the SDP names is the peer's address at home: sound and reports come from its router.
    b = Bench()
    b.pump.net.udp = lambda host=None, port=0: Connected(b.pump.net, port)

    class Home(Media):
        rtcp = 4001

    b.pump.agree(Home, Home.host)
    side = b.pump.rtcp.side
    assert side.only == (b"192.0.2.9", 4001)
    sent = []
    side.sendto = lambda data, address: sent.append(address)
    router = b"203.0.113.1"
    b.frames(60, (router, 20000))
    assert b.pump.stream.remote == (router, 20000)
    b.pump._second()
    far = Rtcp(b.peer)
    n = far.report(0)
    side.data.append(((b"192.0.2.66", 4001), bytes(far.tx[:n])))
    b.pump._take()
    assert b.pump.rtcp._sr_at < 0  # a stranger's
    side.data.append(((router, 20007), bytes(far.tx[:n])))
    b.pump._take()
    assert b.pump.rtcp._sr_at >= 0
    b.pump._second()  # our first, back to where that came from
    assert sent == [(router, 20007)] and not b.user.faults


def test_reports_on_the_sounds_own_port():
    # RFC 5761: no second socket; they are read between packets of sound, in one reading too.
    b = Bench()
    assert b.pump.rtcp.mux and b.pump.rtcp.side is None
    sent = []
    b.endpoint.sendto = lambda data, address: sent.append((bytes(data), address))
    far = Rtcp(b.peer)
    b.frames(60)
    b.pump._second()  # connected now
    for _ in range(3):
        b.send()
        n = far.report(0)
        b.endpoint.data.append((b.address, bytes(far.tx[:n])))
        b.pump._take()
        b.pump._frame()
    assert b.pump.rtcp.heard and b.stats["packets_lost"] == 0
    assert b.stats["packets_received"] == 63
    b.pump._second()  # the second of two: ours
    reports = [d for d, a in sent if 200 <= d[1] <= 201 and a == b.address]
    assert len(reports) == 1
    b.pump._at_work = True  # it is we who run
    b.pump.stop()
    last = sent[-1][0]
    assert last[-8:-4] == b"\x81\xcb\x00\x01"  # BYE, RFC 3550 6.6
