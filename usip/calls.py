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

    def moved(self, now):
        """The network came back: a peer whose call goes on is told where we are now, by a
        re-INVITE.
        """
        agent = self.agent
        for call in self.active():
            flow = agent.flow_to(call.dialog, now) if call.state == b"E" else None
            if flow and flow.local[0] != call.sdp.host:
                call.sdp.host = flow.local[0]
                call.refresh(now)

    def _full(self, most=None):
        most = most or limits.CALLS
        return len(self.agent.parts) >= most and len(self.active()) >= most

    def _most(self, flow):
        # One place is for the line that is registered: nobody else can keep it busy.
        agent = self.agent
        if agent.guard and agent.trusted and not agent.guard.trusted(flow.remote):
            return limits.CALLS - 1

    def _yields(self, flow, now):
        # Whose address may be forged gives way to who is known.
        guard = self.agent.guard
        if not guard or guard.stranger(flow.remote):
            return False
        for call in self.active():
            if (
                call.state in b"OW"
                and not call.dialog.proven
                and guard.stranger(call.tx.flow.remote)
            ):
                if call.state == b"O":
                    call.reject(now, 486)
                else:
                    call.abandon(now)
                return True
        return False

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
            # 20.43: 399 is for people
            agent.answer(tx, 406, now, (b"Warning", b'399 usip "needs application/sdp"'))
            return
        if self.refuse:
            raise ProtocolError(self.refuse)
        if self._full(self._most(m.flow)) and not self._yields(m.flow, now):
            raise ProtocolError(486)
        call = Call(agent, True, m.get("from"))
        call.m = m
        call.known = m.known
        call.user = m.user
        call.offered(tx, m, now)


def _accepts_sdp(m):
    # 20.1: no Accept means application/sdp
    if "accept" not in m.names:
        return True
    for v in m.all("accept"):
        if split(v, b";")[0].lower() in (b"application/sdp", b"application/*", b"*/*"):
            return True
    return False
