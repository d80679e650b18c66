# usip: the table of calls, and the gate for new ones
# MIT licence; Copyright (c) 2026 the usip authors

from . import limits
from .call import Call
from .errors import ProtocolError, UsageError
from .header import split


class Calls:
    """Makes `agent` place and take calls.

    `session(call, flow)` returns the sdp.Session for a new call: our media address as the other end
    of `flow` sees it. `refuse`, when set, is the status that every new INVITE gets (486: do not
    disturb)."""

    def __init__(self, agent, session):
        self.agent = agent
        self.refuse = 0
        agent.session = session
        agent.methods[b"INVITE"] = self._invite

    def active(self):
        """The calls that have not ended."""
        return [p for p in self.agent.parts if isinstance(p, Call)]

    def _full(self):
        return len(self.agent.parts) >= limits.CALLS and len(self.active()) >= limits.CALLS

    def dial(self, uri, now, **how):
        """Place a call: see Call.dial. UsageError when `uri` is no SIP URI or the table is full."""
        if self._full():
            raise UsageError("too many calls")
        call = Call(self.agent, False, b"<" + uri + b">")
        try:
            call.dial(uri, now, **how)
        except Exception:
            if call.state != b"X":
                call.drop()
            raise
        return call

    def _invite(self, tx, m, now):
        agent = self.agent
        if m.body and m.content_type() != b"application/sdp":
            agent.answer(tx, 415, now, (b"Accept", b"application/sdp"))
            return
        if not _accepts_sdp(m):
            raise ProtocolError(406)
        if self.refuse:
            raise ProtocolError(self.refuse)
        if self._full():
            raise ProtocolError(486)
        call = Call(agent, True, m.get("from"))
        call.m = m
        call.offered(tx, m, now)


def _accepts_sdp(m):
    # 20.1: no Accept means application/sdp
    if "accept" not in m.names:
        return True
    for v in m.all("accept"):
        if split(v, b";")[0].lower() in (b"application/sdp", b"application/*", b"*/*"):
            return True
    return False
