# Everybody else as a phone sees them, in little memory: a registrar and a friend. They are the
# phone's `net` as well. What there is no memory for is lost on the way.

import asyncio

from usip.driver import now

US = b"192.0.2.1"
THERE = (b"192.0.2.9", 5060)
SOUND = (b"192.0.2.9", 6000)
SDP = (
    b"v=0\r\no=x 1 1 IN IP4 192.0.2.9\r\ns=-\r\nc=IN IP4 192.0.2.9\r\nt=0 0\r\n"
    b"m=audio 6000 RTP/AVP 8 101\r\na=rtpmap:101 telephone-event/8000\r\n"
)
ANSWER = b"Contact: <sip:f@192.0.2.9>\r\nContent-Type: application/sdp\r\n"


def sleep_ms(ms):
    return asyncio.sleep_ms(ms) if hasattr(asyncio, "sleep_ms") else asyncio.sleep(ms / 1000)


def line(data, name):
    i = data.find(b"\r\n" + name + b":") + 2
    return data[i : data.find(b"\r\n", i)]


class Endpoint:
    """As a port's socket."""

    def __init__(self, street, port):
        self.street = street
        self.port = port
        self.source = None
        self.data = []
        self.came = asyncio.Event()

    async def readable(self):
        if not self.data:
            await self.came.wait()
        self.came.clear()

    def readinto(self, buf):
        if not self.data:
            return None
        self.source = THERE if self.port < 16384 else SOUND
        data = self.data[0]
        buf[: len(data)] = data
        self.data.pop(0)
        return len(data)

    def sendto(self, data, address):
        street = self.street
        if self.port >= 16384:
            street.heard += 1
        elif street.up:
            try:
                street.take(bytes(data))
            except MemoryError:
                pass
        return self in street.open

    def connect(self, address):
        pass

    def reopen(self):
        pass

    def close(self):
        self.street.open.remove(self)  # a second time is an error


class Street:
    """`up`: whether registrar and friend are there. `bound`: whether the registrar knows us."""

    def __init__(self, expires=600):
        self.expires = expires
        self.up = True
        self.bound = False
        self.open = []
        self.heard = 0  # packets of sound
        self.registered = self.asked = 0
        self.digits = b""
        self.status = 0  # of the last final response to us
        self.tag = b""
        self.cseq = 1
        self.n = 0
        self.invite = b""  # of the call: who called, its INVITE
        self.again = b""  # our 200, until its ACK is there
        self.how = 200  # what the friend answers to an INVITE
        self.rtp = bytearray(172)
        self.rtp[0] = 0x80
        self.rtp[1] = 8

    # --- what a port gives a phone ---

    def udp(self, host=None, port=0):
        for e in self.open:
            if e.port == port:
                raise OSError
        e = Endpoint(self, port)
        self.open.append(e)
        return e

    def resolve(self, host, port):
        return host, port

    async def prepare(self, host):
        pass

    def forget(self):
        pass

    def readable_address(self, address):
        return address

    def local_for(self, address, bound=None):
        return US

    # --- the wire ---

    def put(self, data, port=5060):
        for e in self.open:
            if e.port == port and len(e.data) < 8:
                e.data.append(data)
                e.came.set()

    def reply(self, data, code, more=b"", body=b""):
        to = line(data, b"To")
        if b"tag=" not in to:
            to += b";tag=f%d" % self.n
        out = b"SIP/2.0 %d X\r\n%s\r\n%s\r\n%s\r\n%s\r\n%s\r\n%sContent-Length: %d\r\n\r\n%s" % (
            code,
            line(data, b"Via"),
            line(data, b"From"),
            to,
            line(data, b"Call-ID"),
            line(data, b"CSeq"),
            more,
            len(body),
            body,
        )
        self.put(out)
        return out

    def take(self, data):
        """SIP from the phone."""
        method = data[: data.find(b" ")]
        if method == b"SIP/2.0":
            return self.response(data)
        if method == b"REGISTER":
            if b"\r\nAuthorization" not in data:
                more = b'WWW-Authenticate: Digest realm="h", nonce="n%d", qop="auth"\r\n'
                self.reply(data, 401, more % self.registered)
                return
            self.registered += 1
            self.bound = b"Expires: 0\r\n" not in data
            more = line(data, b"Contact") + b";expires=%d\r\n" % self.expires
            self.reply(data, 200, more if self.bound else b"")
        elif method == b"INVITE":
            if self.how != 200 and self.how != 180:
                self.reply(data, self.how)
                return
            self.n += 1
            again = self.again
            self.reply(data, 180, b"Contact: <sip:f@192.0.2.9>\r\n")
            if self.how == 200:
                again = self.reply(data, 200, ANSWER, SDP)
            self.again = again
            self.invite = data
        elif method == b"ACK":
            self.again = b""
        elif method == b"CANCEL":
            self.reply(data, 200)
            self.reply(self.invite, 487)
        elif method == b"BYE":
            self.invite = b""
            self.reply(data, 200)
        else:
            if method == b"INFO":
                i = data.find(b"Signal=") + 7
                self.digits += data[i : i + 1]
            self.reply(data, 200)

    def response(self, data):
        code = int(data[8:11])
        if code < 200:
            return
        cseq = line(data, b"CSeq")
        if b"INVITE" in cseq:
            to = line(data, b"To")
            self.tag = to[to.find(b"tag=") + 4 :]
            self.put(self.request(b"ACK", b"", self.cseq))
        if int(cseq[6 : cseq.rfind(b" ")]) == self.cseq:
            self.status = code

    def request(self, method, more=b"", cseq=0, body=b"", tag=True):
        tag = b";tag=" + self.tag if tag and self.tag else b""
        if not cseq:
            cseq = self.cseq = self.cseq + 1
        return (
            b"%s sip:door@192.0.2.1 SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.9:5060;"
            b"branch=z9hG4bK%s%d\r\nFrom: <sip:f@192.0.2.9>;tag=t%d\r\nTo: <sip:d@192.0.2.1>%s\r\n"
            b"Call-ID: call%d\r\nCSeq: %d %s\r\nMax-Forwards: 70\r\n%sContent-Length: %d\r\n\r\n%s"
            % (method, method, cseq, self.n, tag, self.n, cseq, method, more, len(body), body)
        )

    # --- what the friend does ---

    async def ask(self, method, more=b"", body=b"", tag=True, most=20):
        """A request, sent again until it is answered; the status, 0 when nobody answered."""
        self.status = 0
        data = None
        for i in range(most):
            try:
                data = data or self.request(method, more, 0, body, tag)
                self.put(data)
            except MemoryError:
                pass
            for _ in range(10):
                await sleep_ms(10 if i < 2 else 100)
                if self.status:
                    return self.status
        return 0

    async def call(self, most=20):
        """Call the phone; the status."""
        self.n += 1
        self.tag = b""
        return await self.ask(b"INVITE", ANSWER, SDP, True, most)

    def press(self, digit):
        return self.ask(
            b"INFO", b"Content-Type: application/dtmf-relay\r\n", b"Signal=%s\r\n" % digit
        )

    async def out_of_dialog(self, method, more=b"", body=b"", most=20):
        self.n += 1
        return await self.ask(method, more, body, False, most)

    async def talk(self, ms):
        """A packet of sound every 20 ms, to every call."""
        end = now() + ms
        i = 0
        while now() < end:
            i += 1
            self.rtp[3] = i & 255
            self.rtp[6] = i * 160 >> 8 & 255
            self.rtp[7] = i * 160 & 255
            try:
                for e in self.open:
                    if e.port >= 16384 and not e.port & 1:
                        e.data.append(self.rtp)
            except MemoryError:
                pass
            await sleep_ms(20)

    async def live(self):
        """The 200 comes again until its ACK is there."""
        while True:
            await sleep_ms(500)
            try:
                if self.again:
                    self.put(self.again)
            except MemoryError:
                pass
