# usip tests: one registration by the end of a wire
# MIT licence; Copyright (c) 2026 the usip authors

from sip import response
from usip.digest import Credentials
from usip.message import parse
from usip.registration import Registration
from wire import Wire, make

CHALLENGE = b'Digest realm="house", nonce="n%d", qop="auth", algorithm=SHA-256'


class Bench:
    def __init__(self, uri=b"sip:192.0.2.9", **how):
        self.wire = Wire()
        self.events = []
        self.agent = make(self.wire, self.hear, b"sip:door@192.0.2.9")
        self.agent.credentials = Credentials(b"door", b"secret")
        self.r = Registration(self.agent, uri, **how)

    def hear(self, event, subject, detail):
        self.events.append((event, detail))

    def start(self):
        self.r.start(self.wire.now)
        return self

    def last(self):
        return parse(self.wire.last())

    def count(self):
        return len(self.wire.times(b"REGISTER"))

    def reply(self, code, more=None, **how):
        m = self.last()
        if more is None:
            more = (b"Contact", m.get("contact") + b";expires=3600") if code == 200 else ()
        data = response(m, code, b"t", more)
        for a, b in how.get("replace", ()):
            assert a in data
            data = data.replace(a, b)
        self.agent.receive(data, self.wire, self.wire.now)

    def run(self, ms):
        self.wire.run(self.agent, ms)

    def refreshed(self, ms):
        """Whether the next REGISTER goes out in the later half of `ms`."""
        return ms // 2 <= self.wait() <= ms

    def wait(self):
        """Milliseconds until the next REGISTER goes out; None: none within a day."""
        n = self.count()
        t = self.wire.t
        while self.count() == n:
            ms = self.agent.poll(self.wire.now)
            if ms is None or self.wire.t - t > 86_400_000:
                return None
            self.run(ms)
        return self.wire.t - t
