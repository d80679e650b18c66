# usip tests: one call by the end of a wire, driven by the peer's messages
# MIT licence; Copyright (c) 2026 the usip authors

from sip import SDP, request, response
from usip import limits
from usip.calls import Calls
from usip.message import parse
from usip.sdp import Session
from wire import Wire, make


class Bench:
    """An agent that calls and is called over a Wire. `events` lists what the listener heard."""

    def __init__(self, wire=None, probe_ms=0x10000000):
        limits.PROBE_MS = probe_ms  # a silent peer is asked whether it lives: not in most tests
        self.wire = wire or Wire()
        self.events = []
        self.call = None
        self.agent = make(self.wire, self.hear)
        self.calls = Calls(self.agent, lambda call, flow: Session(b"192.0.2.1", 4000))

    def hear(self, event, subject, detail):
        self.events.append(event)
        if event == "incoming":
            self.call = subject

    @property
    def now(self):
        return self.wire.now

    def run(self, ms):
        self.wire.run(self.agent, ms)

    def receive(self, data):
        self.agent.receive(data, self.wire, self.now)

    def sent(self, start):
        """The last message sent that begins with `start`, None if there is none."""
        for i in range(len(self.wire.sent) - 1, -1, -1):
            if self.wire.sent[i][1][: len(start)] == start:
                return parse(self.wire.sent[i][1])
        return None

    # --- we call ---

    def dial(self, **how):
        self.call = self.calls.dial(b"sip:x@192.0.2.9", self.now, **how)
        return self.call

    def answered(self, code, tag=b"peer", body=b"", more=(), method=b"INVITE"):
        """The peer's response to our last request."""
        more = tuple(more) or (b"Contact", b"<sip:x@192.0.2.9>")
        self.receive(response(self.sent(method), code, tag, more, body=body))

    # --- we are called ---

    def invited(self, body=SDP, more=(), **how):
        more = tuple(more) or (b"Contact", b"<sip:x@192.0.2.9>")
        self.receive(request(b"INVITE", body=body, more=more, **how))

    def within(self, method, cseq=None, body=b"", more=(), branch=None, ctype=b"application/sdp"):
        """A request of the peer's within the dialog; an ACK's CSeq is the last INVITE's."""
        d = self.call.dialog
        if cseq is None:
            self.cseq = cseq = max(getattr(self, "cseq", 1), d.remote_cseq) + 1
        branch = branch or b"z9hG4bKw%d%s" % (cseq, method)
        data = request(
            method,
            uri=b"sip:door@192.0.2.1",
            via=b"SIP/2.0/UDP 192.0.2.9:5060;branch=" + branch,
            me=b"<sip:x@192.0.2.9>" + (b";tag=" + d.remote_tag if d.remote_tag else b""),
            you=b"<sip:door@192.0.2.1>;tag=" + d.local_tag,
            call_id=d.call_id,
            cseq=cseq,
            more=tuple(more) or (b"Contact", b"<sip:x@192.0.2.9>"),
            ctype=ctype,
            body=body,
        )
        self.receive(data)
        return data

    def up(self, incoming):
        """An established call of either side."""
        if incoming:
            self.invited()
            self.call.answer(self.now)
            self.within(b"ACK", 1)
        else:
            self.dial()
            self.answered(180)
            self.answered(200, body=SDP)
        assert self.call.state == b"E" and "answered" in self.events
        return self.call

    def idle(self):
        a = self.agent
        return not a.transactions and not a.dialogs and not a.parts


def count(b, start):
    """How many messages that begin with `start` were sent."""
    return len(b.wire.times(start))


def ended(b, code, reason, remote):
    """The call is over, for this reason, and leaves nothing behind."""
    c = b.call
    assert c.state == b"X" and (c.code, c.reason, c.remote_ended) == (code, reason, remote), (
        c.state,
        c.code,
        c.reason,
        c.remote_ended,
    )
    b.run(limits.RING_MS + 2 * limits.TIMEOUT)
    assert b.idle() and b.events.count("ended") == 1 and b.events[-1] == "ended"
