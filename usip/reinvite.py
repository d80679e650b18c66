# usip: changing a session within its call, RFC 3261 14
# MIT licence; Copyright (c) 2026 the usip authors

from . import limits
from .clock import later, left
from .errors import ProtocolError
from .rand import below
from .request import Request
from .sdp import parse

# Rows: state, event, action, next state. No row: the event is ignored in that state.
#
# states  N nothing pending  L our re-INVITE is out
#         P we answered the peer's 200 and wait for its ACK  G glare: we wait
# events  m we want a change  i the peer's re-INVITE
#         2 3 4  a 2xx, another final, a 491 to ours
#         k ACK  ~ send the 200 again, or ours that there was no memory for  $ time is up
# actions s send  a answer 200  l 491: ours is out  e 500: the first is not done (14.2)
#         w want it later  u agreed: ACK  f failed, as before  g wait (14.1)
#         d done  r send the 200 again  b no ACK: hang up

# fmt: off
MACHINE = (
    b"NmsL NiaP "
    b"LmwL LilL L2uN L3fN L4gG "
    b"PmwP PieP PkdN P~rP P$bN "
    b"GmwG GiaP G$sL "
    b"N~sL G~sL "
)
# fmt: on


class Reinvite:
    """The offer/answer exchanges after the first one of a call, in both directions."""

    def __init__(self, call):
        self.call = call
        self.state = b"N"
        self.request = None  # ours
        self.tx = None  # the peer's
        self.cseq = 0  # of the peer's
        self.m = None
        self.wanted = False
        self.offered = False  # our 200 held an offer: the ACK brings the answer
        self.ok = b""
        self.retry_at = self.end_at = None
        self.interval = limits.T1

    def hold(self, on, now):
        if self.call.sdp:  # else the call never came about
            self.call.sdp.hold(on)
            self.wish(now)

    def wish(self, now):
        """A change is wanted: offer what `call.sdp` says now, as soon as that is possible."""
        if self.call.state == b"E":
            self._fire(b"m", now)
        elif self.call.state in b"SROW":
            self.wanted = True  # when it is up

    def stop(self):
        self.retry_at = self.end_at = None
        self.request = None
        if self.tx:
            self.tx.user = None
        self.state = b"N"
        self.wanted = False

    def came(self, tx, m, now):
        """The peer's re-INVITE."""
        call = self.call
        if call.state != b"E":
            # The ACK of our first 2xx was overtaken (RFC 5407 3.1.4), or the call is about to end.
            raise ProtocolError(481 if call.state in b"BX" else 491)
        if m.body and m.content_type() != b"application/sdp":
            call.agent.answer(tx, 415, now, (b"Accept", b"application/sdp"))
            return
        self.allowed(m)
        i = self.state
        self._with(m, b"i", now, tx)
        if i == b"G":
            self.wanted = True  # ours is still wanted, after this one

    # Who has seen the dialog's tags may change the session, and a peer that moved has to. To a
    # third party the sound goes only at the word of whom the dialog is with: from another address a
    # peer can have it sent to where it is, or where it was.
    def allowed(self, m):
        """Whether the offer or answer in `m` may be taken; else ProtocolError(403)."""
        call = self.call
        host, port = m.flow.remote
        if not m.body or host == call.source or (host, port) in call.agent.trusted:
            return
        was = call.sdp.remote
        for line in parse(m.body)[0]:
            if line.port and line.host not in (host, was and was.host, b"0.0.0.0", b"::"):
                raise ProtocolError(403)

    def response(self, m, status, now):
        if status < 200:
            return
        if status in (481, 408):  # 12.2.1.2, 14.1: the dialog is gone
            self.call.gone(status, now)
        else:
            self._with(m, b"2" if status < 300 else b"4" if status == 491 else b"3", now)

    def ack(self, m, now):
        """An ACK came: True when it was for a re-INVITE."""
        if self.state != b"P" or m.cseq != self.cseq:
            return False
        self._with(m, b"k", now)
        return True

    def _with(self, m, event, now, tx=None):
        self.m = m
        try:
            self._fire(event, now, tx)
        finally:
            self.m = None

    def poll(self, now):
        if self.retry_at is not None and left(self.retry_at, now) <= 0:
            self._fire(b"~", now)
        if self.end_at is not None and left(self.end_at, now) <= 0:
            self._fire(b"$", now)
        ms = None
        for at in (self.retry_at, self.end_at):
            if at is not None:
                at = max(left(at, now), 0)
                if ms is None or at < ms:
                    ms = at
        return ms

    def _fire(self, event, now, tx=None):
        i = MACHINE.find(self.state + event)
        state = MACHINE[i + 3 : i + 4]
        if event == b"~":
            self.retry_at = None
        elif event == b"$":
            self.end_at = None
        if i < 0:
            return
        was = self.state
        self.news = False
        self.state = state
        if self.state != was and self.call.agent.log:
            self.call.agent.log(self, was, self.state)
        try:
            _ACTIONS[MACHINE[i + 2]](self, tx, now)
        except Exception:  # an action raises before it has changed anything: as before
            self.state = was
            raise
        if self.news:
            try:
                self.call.media()
            except MemoryError:  # sound that goes where it went before is worse than none
                self.call.hangup(now, "Failed")
                raise
        if self.state == b"N" and self.wanted:
            self.wanted = False
            self.wish(now)

    def _send(self, tx, now):
        call = self.call
        self.end_at = None
        self.wanted = False
        lines = (b"Allow", call.agent.allow)
        try:
            self.request = Request(
                call.agent,
                call.dialog,
                b"INVITE",
                call,
                lines,
                b"application/sdp",
                call.sdp.offer(),
            )
            self.request.send(now)
        except MemoryError:
            self.request = None
            self.wanted = True  # soon, or after what comes first
            self.retry_at = later(now, limits.T1)
            raise

    def _agreed(self, tx, now):
        call = self.call
        m = self.m
        call.dialog.refresh(m)
        good = self._accepts(m)
        self.request.ack(call.dialog, now)
        self.request = None
        if good:
            self.news = True
        else:
            call.hangup(now, "Failed")

    def _accepts(self, m, strict=False):
        try:
            if strict:
                self.allowed(m)
            self.call.sdp.accept(m.body)
            return True
        except ProtocolError:
            return False

    def _failed(self, tx, now):
        self.call.sdp.back()
        self.request = None
        self.call.agent.listener("error", self.call, "re-INVITE refused")

    def _glare(self, tx, now):
        # 14.1: 2.1-4 s in steps of 10 ms for the owner of the Call-ID, 0-2 s for the other
        ms = (
            limits.GLARE_OWN + 10 * below(191)
            if self.call.dialog.owner
            else limits.GLARE_OTHER + 10 * below(201)
        )
        self.request = None
        self.end_at = later(now, ms)

    def _refuse_glare(self, tx, now):
        self.call.agent.answer(tx, 491, now)

    def _too_soon(self, tx, now):
        raise ProtocolError(500)

    def _answer(self, tx, now):
        call = self.call
        self.offered = not self.m.body
        body = call.sdp.offer() if self.offered else call.sdp.answer(self.m.body)
        lines = (b"Contact", call.agent.contact(tx.flow), b"Allow", call.agent.allow)
        self.ok = call.agent.response(tx.request, 200, lines, b"application/sdp", body)
        call.dialog.refresh(self.m)
        self.tx = tx
        self.cseq = self.m.cseq
        self.interval = limits.T1
        self.retry_at = later(now, limits.T1)
        self.end_at = later(now, limits.TIMEOUT)
        tx.user = call
        tx.respond(200, self.ok, now)
        self.news = not self.offered

    def _again(self, tx, now):
        self.interval = min(self.interval * 2, limits.T2)
        self.retry_at = later(now, self.interval)
        self.tx.respond(200, self.ok, now)

    def _done(self, tx, now):
        good = not self.offered or self._accepts(self.m, True)
        self.retry_at = self.end_at = None
        self.tx.user = None  # the transaction has done its work
        if good:
            self.news = self.offered
        else:
            self.call.hangup(now, "Failed")

    def _no_ack(self, tx, now):
        self.retry_at = None
        self.call.hangup(now, "Lost")

    def _later(self, tx, now):
        self.wanted = True


_ACTIONS = {
    ord("s"): Reinvite._send,
    ord("a"): Reinvite._answer,
    ord("l"): Reinvite._refuse_glare,
    ord("e"): Reinvite._too_soon,
    ord("w"): Reinvite._later,
    ord("u"): Reinvite._agreed,
    ord("f"): Reinvite._failed,
    ord("g"): Reinvite._glare,
    ord("d"): Reinvite._done,
    ord("r"): Reinvite._again,
    ord("b"): Reinvite._no_ack,
}
