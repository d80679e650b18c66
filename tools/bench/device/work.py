# The pieces of work that are counted and timed: one source for the device and for CPython.

from usip.agent import ALLOW, Agent
from usip.digest import Credentials
from usip.header import address
from usip.media.stream import MediaStream
from usip.message import parse
from usip.sdp import Session


def load(paths):
    out = []
    for path in paths:
        with open(path, "rb") as f:
            out.append(f.read())
    return out


def fields(data):
    """Via branch, From tag, To tag, Call-ID, CSeq number and method, Contact URI,
    Content-Length."""
    m = parse(data)
    c = m.all("contact")
    return (
        m.branch,
        m.from_tag,
        m.to_tag,
        m.call_id,
        (m.cseq, m.cseq_method),
        address(c[0])[1] if c else None,
        m.length,
    )


class Flow:
    transport = b"UDP"
    reliable = False
    local = (b"192.0.2.1", 5060)
    remote = (b"192.168.178.1", 5060)
    sent = None

    def send(self, data):
        self.sent = data
        return True


class Net:
    def flow(self, host, port, transport=b"UDP"):
        return FLOW


FLOW = Flow()


def nothing(event, subject, detail):
    pass


def agent(listener=nothing):
    return Agent(Net(), listener, b"sip:620@192.0.2.1")


class Ok:
    """Answers one INVITE again and again: 200 with Contact, Allow and our SDP."""

    def __init__(self, invite):
        self.agent = agent()
        self.m = parse(invite)
        self.m.flow = FLOW
        self.sdp = Session(b"192.0.2.1", 16384)

    def build(self):
        a = self.agent
        lines = (b"Contact", a.contact(FLOW), b"Allow", ALLOW)
        return a.response(self.m, 200, lines, b"application/sdp", self.sdp.offer(), b"8f3a6c1e07")


class Digest:
    """Answers one challenge again and again."""

    def __init__(self, algorithm):
        self.credentials = Credentials(b"door", b"ding-dong")
        value = b'Digest realm="example.org", nonce="65f1c2aa0000c3d1e7b2", qop="auth", algorithm='
        self.credentials.challenge([value + algorithm], False)

    def answer(self):
        return self.credentials.authorization(False, b"REGISTER", b"sip:example.org")


class Sound:
    """One packet is made of a frame, received and played."""

    def __init__(self):
        self.out = MediaStream(8)
        self.into = MediaStream(8)
        self.pcm = bytearray(320)
        self.now = 0

    def packet(self):
        self.now = (self.now + 20) & 0xFFFFF
        n = self.out.frame_out(self.pcm)
        self.into.receive(self.out.tx, n, FLOW, self.now)
        self.into.frame_in(self.pcm)


class Dtmf:
    """A digit in the sound, made and heard, a frame at a time."""

    def __init__(self):
        from usip.media.inband import Detector
        from usip.media.tones import Tone

        self.pcm = bytearray(320)
        self.tone = Tone("697+1209/100000")
        self.tone.readinto(self.pcm)
        self.detector = Detector()

    def made(self):
        self.tone.readinto(self.pcm)

    def heard(self):
        self.detector.hear(self.pcm)


def pieces(data):
    """What is counted and timed, by name, for a corpus of messages."""
    from usip.media import _g711_plain, g711

    pcm = bytearray([i * 37 & 255 for i in range(320)])
    law = bytearray(160)
    return {
        "parse": lambda: [fields(d) for d in data],
        "parse_only": lambda: [parse(d) for d in data],
        "build_200": Ok(data[0]).build,
        "digest_md5": Digest(b"MD5").answer,
        "digest_sha256": Digest(b"SHA-256").answer,
        "g711_encode": lambda: g711.encode(8, pcm, 160, law, 0),
        "g711_decode": lambda: g711.decode(8, law, 0, 160, pcm),
        "dtmf_made": Dtmf().made,
        "dtmf_heard": Dtmf().heard,
        "g711_encode_plain": lambda: _g711_plain.encode(8, pcm, 160, law, 0),
        "rtp": Sound().packet,
    }
