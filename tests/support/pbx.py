# usip tests: a door that is registered at a PBX which a test plays by hand
# MIT licence; Copyright (c) 2026 the usip authors

from sip import response
from usip.calls import Calls
from usip.digest import Credentials, credentials
from usip.digest import response as digest
from usip.message import parse
from usip.pager import Pager
from usip.registration import Registration
from usip.sdp import Session
from usip.uri import Uri
from wire import Wire, make


class Door:
    """`home` is the PBX's domain, `user` may differ from the authentication user `auth`."""

    def __init__(self, home, user=b"door", password=b"secret", auth=None, wire=None):
        self.wire = wire or Wire()
        self.password = password
        self.events = []
        self.call = None
        self.agent = make(self.wire, self.hear, b"sip:" + user + b"@" + home)
        self.agent.credentials = Credentials(auth or user, password)
        self.agent.home = Uri(b"sip:" + home)
        self.calls = Calls(self.agent, lambda call, flow: Session(flow.local[0], 4000))
        Pager(self.agent)
        self.registration = Registration(self.agent, b"sip:" + home)

    def hear(self, event, subject, detail):
        self.events.append((event, detail))
        if event == "incoming":
            self.call = subject

    @property
    def now(self):
        return self.wire.now

    def names(self):
        return [e[0] for e in self.events]

    def last(self, start=b""):
        """What the door sent last, of what begins with `start`."""
        for i in range(len(self.wire.sent) - 1, -1, -1):
            if self.wire.sent[i][1][: len(start)] == start:
                return parse(self.wire.sent[i][1])
        return None

    def count(self, start):
        return len(self.wire.times(start))

    def run(self, ms):
        self.wire.run(self.agent, ms)

    def receive(self, data):
        self.agent.receive(data, self.wire, self.now)
        return self.last()

    def reply(self, start, code, more=(), tag=b"pbx", body=b""):
        """The PBX's response to the last request that begins with `start`."""
        self.receive(response(self.last(start), code, tag, more, body=body))

    def right(self, m, proxy=False):
        """Judge the credentials in the request `m` as a PBX does."""
        v = m.get("proxy-authorization" if proxy else "authorization")
        if not v:
            return False
        p = credentials(v)
        a1 = b":".join((p[b"username"], p[b"realm"], self.password))
        middle = p[b"nonce"]
        if b"qop" in p:
            middle = b":".join((middle, p[b"nc"], p[b"cnonce"], p[b"qop"]))
        strength = 1 if p.get(b"algorithm", b"MD5").upper() == b"SHA-256" else 0
        assert p[b"uri"] == m.uri
        return digest(strength, a1, None, middle, m.method, m.uri) == p[b"response"]

    def dial(self, uri, **how):
        self.call = self.calls.dial(uri, self.now, **how)
        return self.call
