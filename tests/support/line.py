# usip tests: a phone with an account at the end of a wire, and at its other end a registrar and
# peers that do what is asked of them; the test is the clock
# MIT licence; Copyright (c) 2026 the usip authors

from sip import SDP, request, response
from usip import limits
from usip.agent import Agent
from usip.calls import Calls
from usip.clock import later
from usip.digest import Credentials
from usip.message import parse
from usip.pager import Pager
from usip.registration import Registration
from usip.sdp import Session
from usip.uri import Uri

CONTACT = (b"Contact", b"<sip:x@192.0.2.9>")
CHALLENGE = b'Digest realm="192.0.2.9", nonce="n1", qop="auth", algorithm=SHA-256, opaque="o"'
# The registrar sees us behind a NAT: what a phone keeps of that, it keeps in any case.
SEEN = b";received=198.51.100.7;rport=40000"


class Line:
    """Network, flow and clock in one. `sent` has what the phone sent and nobody looked at yet."""

    transport = b"UDP"
    reliable = False
    local = (b"192.0.2.1", 5060)
    remote = (b"192.0.2.9", 5060)

    def __init__(self):
        self.sent = []
        self.now = 0x3FFFFFFF - 20000  # the clock wraps on the way
        self.n = 0  # numbers what would have to be random
        self.call = None
        self.events = []
        self.agent = Agent(self, self.hear, b"sip:door@192.0.2.9")
        self.agent.credentials = Credentials(b"door", b"secret")
        self.agent.home = Uri(b"sip:192.0.2.9")
        self.calls = Calls(self.agent, lambda call, flow: Session(b"192.0.2.1", 4000))
        Pager(self.agent)
        self.registration = Registration(self.agent, b"sip:192.0.2.9")
        self.registration.start(self.now)
        self.settle()

    # --- what the phone sees ---

    def flow(self, host, port, transport=b"UDP"):
        return self if host[-1:].isdigit() else None

    def send(self, data):
        self.sent.append(data)
        return True

    def hear(self, event, subject, detail):
        if event == "incoming":
            self.call = subject
        if len(self.events) < 20:
            self.events.append(event)

    def receive(self, data):
        """As a driver does."""
        if 0 < len(data) < limits.DATAGRAM_MAX:
            self.agent.receive(data, self, self.now)

    # --- the other end ---

    def last(self, start):
        """The last message sent that begins with `start`, taken apart; None if there is none."""
        for i in range(len(self.sent) - 1, -1, -1):
            if self.sent[i][: len(start)] == start:
                return parse(self.sent[i])
        return None

    def reply(self, m, code, more=(), body=b"", tag=b"peer"):
        """The bytes of a response to the Message `m` of the phone's."""
        data = response(m, code, tag, more, body=body)
        return data.replace(b";rport;", SEEN + b";", 1)

    def town(self):
        """Answer the requests that the phone sent, as a good peer does."""
        while self.sent:
            data = self.sent.pop(0)
            if data[:8] == b"SIP/2.0 " or data == b"\r\n\r\n":
                continue
            m = parse(data)  # what we write can be read
            if m.method == b"REGISTER":
                if "authorization" not in m.names:
                    self.receive(self.reply(m, 401, (b"WWW-Authenticate", CHALLENGE)))
                else:
                    c = m.all("contact")[0] + b";expires=3600"
                    self.receive(self.reply(m, 200, (b"Contact", c)))
            elif m.method == b"INVITE":
                self.receive(self.reply(m, 487 if m.to_tag else 480))
            elif m.method == b"CANCEL":
                self.receive(self.reply(m, 200))
            elif m.method != b"ACK":
                self.receive(self.reply(m, 200))

    def run(self, ms):
        """Let time pass, from deadline to deadline."""
        end = 0
        while True:
            left = self.agent.poll(self.now)
            if self.sent:
                self.town()
                continue
            if left is None or end + left > ms:
                left = ms - end
            if not left and end == ms:
                return
            end += left
            self.now = later(self.now, left)

    def idle(self):
        """Whether nothing is left but the registration; "" or what there is."""
        a = self.agent
        parts = [p for p in a.parts if p is not self.registration]
        if not a.transactions and not a.dialogs and not parts and self.registration.state == b"A":
            return ""
        tx = [(t.method, t.state, t.client) for t in a.transactions]
        return "%s %s %s %s" % (tx, a.dialogs, parts, self.registration.state)

    def settle(self):
        """Hang up, and let everything pass that has a time to pass; then the phone is as new."""
        for c in self.calls.active():
            c.hangup(self.now)
        self.call = None
        self.run(limits.RING_MS + 2 * limits.TIMEOUT + 1000)
        # The registrar says anew where it sees us, and that it wants no route.
        self.registration.expires = limits.EXPIRES
        self.registration.keepalive = limits.KEEPALIVE
        self.agent.credentials._last[1] = None  # a proxy's last challenge, one at most
        self.registration.start(self.now)
        self.run(40_000)  # a refresh behind a NAT is 44 s away at least
        self.events.clear()
        self.sent.clear()
        return self.idle()

    # --- what calls consist of ---

    def fresh(self, method, body=b"", ctype=b"application/sdp", more=CONTACT, **how):
        """A request out of dialogs, unlike those before it."""
        self.n += 1
        how.setdefault("call_id", b"call-%d" % self.n)
        how.setdefault("via", b"SIP/2.0/UDP 192.0.2.9:5060;rport;branch=z9hG4bKn%d" % self.n)
        return request(method, body=body, ctype=ctype, more=more, **how)

    def within(self, method, body=b"", ctype=b"application/sdp", cseq=None, more=CONTACT):
        """A request of the peer's in the dialog of the call."""
        d = self.call.dialog
        return self.fresh(
            method,
            body,
            ctype,
            more,
            me=b"<sip:x@192.0.2.9>;tag=" + d.remote_tag,
            you=b"<sip:door@192.0.2.1>;tag=" + d.local_tag,
            call_id=d.call_id,
            cseq=d.remote_cseq + 1 if cseq is None else cseq,
        )

    def invited(self):
        self.receive(self.fresh(b"INVITE", SDP))

    def up(self):
        """The peer has called, and the call is up."""
        self.invited()
        self.call.answer(self.now)
        self.receive(self.within(b"ACK", cseq=self.call.dialog.remote_cseq))

    def dial(self, **how):
        self.call = self.calls.dial(b"sip:x@192.0.2.9", self.now, **how)
        return self.last(b"INVITE")

    def connected(self):
        """We have called, and the call is up."""
        self.receive(self.reply(self.dial(), 200, CONTACT, SDP))

    def good_call(self):
        """A call comes, is answered, says a digit and ends, as if nothing had ever been."""
        self.events.clear()
        self.up()
        self.receive(self.within(b"INFO", b"Signal=5\r\n", b"application/dtmf-relay"))
        self.receive(self.within(b"BYE"))
        self.sent.clear()
        return [e for e in self.events if e != "media"] == ["incoming", "answered", "dtmf", "ended"]


# What comes at which moment: each prepares `line` and returns the message to be sent to it.
def _dialled(code, more=CONTACT, body=b"", **how):
    def f(line):
        return line.reply(line.dial(**how), code, more, body)

    return f


def _registering(code, more, first=True):
    def f(line):
        line.registration.start(line.now)
        if first:
            line.agent.credentials._last = [None, None]
            line.sent.clear()
            line.registration.start(line.now)
        m = line.last(b"REGISTER")
        more_ = more or (b"Contact", m.get("contact") + b";expires=3600", b"Service-Route", _ROUTE)
        return line.reply(m, code, more_)

    return f


def _then(prepare, *args):
    def f(line):
        getattr(line, prepare)()
        return line.within(*args)

    return f


def _cancel(line):
    line.invited()
    m = line.call.tx
    return line.fresh(
        b"CANCEL",
        call_id=line.call.dialog.call_id,
        via=b"SIP/2.0/UDP 192.0.2.9:5060;rport;branch=" + m.branch,
        more=(b"Reason", b'SIP;cause=200;text="x"'),
    )


def _ack(line):
    line.invited()
    line.call.answer(line.now)
    return line.within(b"ACK", cseq=line.call.dialog.remote_cseq)


def _hung_up(line):
    line.up()
    line.call.hangup(line.now)
    return line.reply(line.last(b"BYE"), 200)


_ROUTE = b"<sip:192.0.2.9;lr>, <sip:192.0.2.8;lr>"
_ROUTED = CONTACT + (b"Record-Route", _ROUTE)
_PROXY = (b"Proxy-Authenticate", CHALLENGE, b"Proxy-Authenticate", CHALLENGE.replace(b"n1", b"n2"))
_TEXT = b"text/plain;charset=UTF-8"
SITUATIONS = (
    (
        "INVITE",
        lambda line: line.fresh(b"INVITE", SDP, more=_ROUTED + (b"Expires", b"90")),
    ),
    ("ACK", _ack),
    ("BYE", _then("up", b"BYE")),
    ("CANCEL", _cancel),
    (
        "INFO",
        _then("connected", b"INFO", b"Signal=5\r\nDuration=160\r\n", b"application/dtmf-relay"),
    ),
    ("re-INVITE", _then("up", b"INVITE", SDP)),
    ("MESSAGE", lambda line: line.fresh(b"MESSAGE", b"h\xc3\xa4llo", _TEXT)),
    (
        "OPTIONS",
        lambda line: line.fresh(
            b"OPTIONS", more=(b"Accept", b"application/sdp, text/plain", b"Date", b"now")
        ),
    ),
    ("NOTIFY", lambda line: line.fresh(b"NOTIFY", b"x", _TEXT, (b"Event", b"mwi"))),
    ("180 INVITE", _dialled(180, _ROUTED)),
    ("183 INVITE", _dialled(183, _ROUTED, SDP)),
    ("200 INVITE", _dialled(200, _ROUTED, SDP)),
    ("302 INVITE", _dialled(302, (b"Contact", b"<sip:y@192.0.2.9>;q=1"), follow=True)),
    ("407 INVITE", _dialled(407, _PROXY)),
    ("200 BYE", _hung_up),
    ("401 REGISTER", _registering(401, (b"WWW-Authenticate", CHALLENGE))),
    ("200 REGISTER", _registering(200, (), False)),
    ("423 REGISTER", _registering(423, (b"Min-Expires", b"3700"), False)),
    ("503 REGISTER", _registering(503, (b"Retry-After", b"20 (busy);duration=9"), False)),
)
