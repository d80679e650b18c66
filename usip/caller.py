# usip: a call's caller, RFC 3261 13.2 and 9.1
# MIT licence; Copyright (c) 2026 the usip authors

from . import limits
from .clock import later
from .dialog import Dialog, contact
from .errors import ProtocolError
from .reasons import word
from .request import NOBODY, Request
from .uri import sip


class Caller:
    """The actions of call.MACHINE for the side that sent the INVITE."""

    def dial(self, uri, now, ring_ms=None, lines=(), late=False, follow=False, heard=None):
        """Call `uri` (bytes). `lines` are more header lines: name, value, ...; `late`: no offer in
        the INVITE; `follow`: go where a 3xx points; `heard`: who it came from.
        """
        agent = self.agent
        u = sip(uri)
        # No longer than the transaction lives, or there would be no CANCEL at its end.
        ring_ms = min(ring_ms or limits.RING_MS, limits.RING_MS)
        self.lines = lines
        d = Dialog(agent.aor, self.peer, u.text(True))
        d.routes = list(agent.routes)
        d.user = self
        d.heard = heard
        self.late = late
        self.follow = follow
        self.ring_ms = ring_ms
        self.end_at = later(now, ring_ms)
        self.early = []
        if self not in agent.parts:
            agent.parts.append(self)
        flow = agent.flow_to(d, now)
        if not flow:
            self._fail(503, "Unreachable")
            self.abandon(now)
            return
        try:
            if not self.sdp:
                self.sdp = agent.session(self, flow)
        except ProtocolError as e:  # no socket for the sound
            self._fail(e.status, word(e.status))
            self.abandon(now)
            return
        body = b"" if late else self.sdp.offer()
        lines = (b"Allow", agent.allow) + tuple(lines)
        self.invite = Request(agent, d, b"INVITE", self, lines, b"application/sdp", body)
        self.invite.send(now)

    def _fork_of(self, m):
        for d in self.early:
            if d.remote_tag == m.to_tag:
                return d
        d = self.invite.dialog.fork(m)
        if len(self.early) < limits.EARLY_DIALOGS:
            self.early.append(d)
        return d

    def _provisional(self, now):
        m = self.m
        if not self.trying:
            self.trying = True
            self._tell("trying")
        if m.status == 100 or not m.to_tag:
            return
        self._fork_of(m)
        if m.status == 180 and not self.ringing:
            self.ringing = True
            self._tell("ringing")
        if m.body and not self.late and m.content_type() == b"application/sdp":
            self.source = m.flow.remote[0]
            self.sdp.accept(m.body)
            self._tell("early-media")

    def _established(self, now):
        m = self.m
        d = self._confirm(m)
        body = b""
        fault = 0
        try:
            if self.late:
                body = self.sdp.answer(m.body)
            elif m.body or not self.sdp.remote:
                self.sdp.accept(m.body)
        except ProtocolError as e:
            fault = e.status
        if not self.invite.ack(d, now, b"application/sdp", body):
            fault = 503
        if fault:  # 13.2.2.4: ACK it, then hang up
            self._fail(fault, word(fault))
            self._fire(b"h", now)
            return
        self.connected(now)

    def _confirm(self, m):
        d = self._fork_of(m)
        if contact(m):
            d.target = contact(m)
            d.routes = self.invite.dialog.fork(m).routes  # 13.2.2.4: computed again from the 2xx
        self.agent.dialogs[d.key()] = d
        # From here on nothing wants memory: there is a dialog, or there is none.
        d.cseq = self.invite.cseq
        d.confirmed = True
        d.user = self
        self.dialog = d
        self.source = m.flow.remote[0]
        self.early = ()
        return d

    def _stray(self, m, now):
        # A second 2xx, of another fork: ACK and BYE (13.2.2.4). Each repetition gets its ACK.
        d = self.invite.dialog.fork(m)
        d.cseq = self.invite.cseq
        kept = self.invite.ack_data, self.invite.ack_flow
        sent = self.invite.ack(d, now)
        self.invite.ack_data, self.invite.ack_flow = kept
        if sent and m.to_tag not in self.strays and len(self.strays) < limits.EARLY_DIALOGS:
            self.strays += (m.to_tag,)
            Request(self.agent, d, b"BYE", NOBODY).send(now)

    def _up_to_bye(self, now):
        # The 2xx crossed our CANCEL.
        body = b""
        try:
            if self.late:
                body = self.sdp.answer(self.m.body)
        except ProtocolError:
            pass
        self.invite.ack(self._confirm(self.m), now, b"application/sdp", body)
        self._bye(now)

    def _failed(self, now):
        m = self.m
        # Not when we have hung up: then the code is ours.
        if m and 300 <= m.status < 400 and self.follow and self.code == m.status and contact(m):
            self.follow = False  # once: a loop of redirects ends here
            self.state = b"S"
            self.code = 0
            self.reason = ""
            heard = m.flow.remote
            self.dial(contact(m), now, self.ring_ms, self.lines, self.late, heard=heard)
            return
        self.remote_ended = m is not None and self.code == m.status and not self.invite.quit

    def _send_cancel(self, now):
        if self.invite.tx.state == b"C":
            # The INVITE went out again with credentials: its own provisional has to come (9.1).
            self.state = b"Z"
            self.end_at = later(now, limits.TIMEOUT)
            return
        # 9.1: no final response within 64*T1: the INVITE's transaction is destroyed, the call is
        # over
        if self.end_at is None:
            self.end_at = later(now, limits.TIMEOUT)
        self.retry_at = later(now, limits.T1)
        self.invite.tx.expire(limits.TIMEOUT, now)
        if self.invite.cancel(now):
            self.retry_at = None

    def _ring_timeout(self, now):
        self._fail(408, "NoAnswer")
        if self.state == b"Y":
            self._send_cancel(now)
        else:
            self.end_at = later(now, limits.TIMEOUT)
