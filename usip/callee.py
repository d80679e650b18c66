# usip: a call's callee, RFC 3261 13.3
# MIT licence; Copyright (c) 2026 the usip authors

from . import limits
from .clock import later
from .dialog import Dialog
from .errors import ProtocolError
from .header import number
from .reasons import word


class Callee:
    """The actions of call.MACHINE for the side that got the INVITE."""

    def offered(self, tx, m, now):
        """An INVITE out of a dialog came: set up, ask for media, ring."""
        agent = self.agent
        self.tx = tx
        self.dialog = d = Dialog.accept(m)
        d.user = self
        self.source = m.flow.remote[0]
        self.late = not m.body
        ms = limits.RING_MS
        try:
            self.sdp = agent.session(self, tx.flow)
            self.body = self.sdp.offer() if self.late else self.sdp.answer(m.body)
            self.ok = self._write(200, self.body)  # what we could not answer is refused now
            if m.get("expires"):
                try:
                    ms = min(ms, number(m.get("expires"), 600) * 1000)
                except ProtocolError:
                    pass
            agent.dialogs[d.key()] = d
            agent.parts.append(self)
        except Exception:
            self.drop()
            raise
        self.end_at = later(now, ms)
        tx.user = self
        tx.tag = d.local_tag
        try:
            self._tell("incoming")
        except Exception:  # there is nobody to answer it
            if self.state == b"O":
                self.abandon(now)
            raise
        if self.state == b"O":
            self.retry_at = later(now, limits.T1)
            if not self.ringing:
                self._greet(now)
            self.retry_at = later(now, limits.RING_AGAIN)

    # A 180 ends the retransmissions of the INVITE, and with them what a stranger may be sent: the
    # 200, and that again, have to have their room before it. Few INVITEs are so short, and those
    # come again after half a second.
    def _greet(self, now):
        if self.short_of(180, b""):
            self.tx.retry_at = None  # nor a 100
            return
        self.ring(now)

    def short_of(self, code, body):
        """Whether the caller, a stranger, has not sent enough for this and our 200."""
        guard = self.agent.guard
        return guard and not guard.twice(self._write(code, body), self.ok, self.tx.flow.remote)

    def again(self, tx, now):
        """The INVITE came again, and has had no answer yet."""
        if self.state == b"O":
            self._greet(now)

    def _write(self, code, body):
        tx = self.tx
        lines = ()
        if code < 300:
            lines = (b"Contact", self.agent.contact(tx.flow), b"Allow", self.agent.allow)
        return self.agent.response(
            tx.request, code, lines, b"application/sdp", body, self.dialog.local_tag
        )

    def _answer(self, code, now, body=b""):
        self.tx.respond(code, self._write(code, body), now)

    def _ring_again(self, now):
        # 13.3.1.1: once a minute, or a proxy takes us for dead
        self.retry_at = later(now, limits.T1)
        if self.ringing:
            self.tx.respond(180, self.tx.data, now)
        else:
            self._greet(now)
        self.retry_at = later(now, limits.RING_AGAIN)

    def _send_ok(self, now):
        self.dialog.confirmed = True
        self.m = None  # the INVITE: most of a kilobyte while the ACK is on its way
        self.interval = limits.T1
        self.retry_at = later(now, limits.T1)
        self.end_at = later(now, limits.TIMEOUT)
        self.tx.respond(200, self.ok, now)

    def _ok_again(self, now):
        self.interval = min(self.interval * 2, limits.T2)
        self.retry_at = later(now, self.interval)
        self.tx.respond(200, self.ok, now)

    def _acked(self, now):
        self.retry_at = None
        try:
            if self.late:
                self.change().allowed(self.m)
                self.sdp.accept(self.m.body)
        except ProtocolError as e:
            self._fail(e.status, word(e.status))
            self._fire(b"h", now)
            return
        self.connected(now)

    def _send_failure(self, now):
        self._answer(self.code, now)

    def _cancel_came(self, now):
        if not self.reason:
            self._fail(487, "Cancelled")
            self.remote_ended = True
        self._answer(487, now)

    def _nobody_answered(self, now):
        self._fail(480, "NoAnswer")
        self._answer(480, now)
