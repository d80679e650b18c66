# usip: calls, RFC 3261 13-15 and RFC 3264
# MIT licence; Copyright (c) 2026 the usip authors

from . import limits
from .callee import Callee
from .caller import Caller
from .clock import later, left
from .errors import ProtocolError, UsageError
from .reasons import word
from .request import Request

# Rows: state, event, action, next state. No row: the event is ignored in that state.
#
# states  caller: S INVITE sent  R a provisional came  Z hang up at the first provisional
#         Y CANCEL sent
#         callee: O offered, ringing  W 2xx sent, waits for ACK  V the same, then hang up
#         both: E established  B BYE sent  X ended
# events  1 2 3  a 1xx, a 2xx, a final failure of our INVITE (or 408, 503 of our own)
#         k c b  ACK, CANCEL, BYE came  y our BYE was answered
#         d the peer does not know the dialog any more  l our final response never got through
#         a j h  the application answers, rejects, hangs up
#         ~ time to send the 2xx (or the 180) again, or what there was no memory for  $ time is up
# actions p provisional  u up: ACK, established  v up only to say BYE  f failed
#         n remember, tell nothing  s send CANCEL  t ring time-out: send CANCEL
#         o send 2xx  r send 2xx again  m media is up: ACK came  j ring again
#         e send final failure  q 487: cancelled  i nobody answered: 480
#         g send BYE  z BYE came  y ask whether the peer lives  x end

# fmt: off
MACHINE = (
    b"S1pR S2uE S3fX ShnZ S$tZ "
    b"R1pR R2uE R3fX RhsY R$tY "
    b"Z1sY Z2vB Z3fX Z$xX "
    b"Y2vB Y3fX Y~sY Y$xX "
    b"OaoW OjeX OheX OcqX ObqX O$iX OlxX O~jO "
    b"WkmE W~rW W$gB WbzX WhnV WlgB "
    b"VkgB V~rV V$gB VbzX VlgB "
    # Established lasts until somebody hangs up; a peer without sound is asked whether it lives.
    b"EbzX EhgB EdxX E$yE "
    b"ByxX BbxX B~gB B$xX BdxX "
)
# fmt: on


class Call(Caller, Callee):
    """One call of either side.

    `state` is a letter of MACHINE's legend. `incoming` tells the side, `peer` is the other's
    name-addr. When it has ended, `code` is the status (200 for a normal end), `reason` one word
    (Busy, Declined, NoAnswer, HungUp, ...) and `remote_ended` tells who did it. `sdp.remote` is the
    agreed media. The application is told by the agent's listener."""

    def __init__(self, agent, incoming, peer):
        self.agent = agent
        self.incoming = incoming
        self.peer = peer
        self.known = not incoming  # the policy knows who it is
        self.user = None  # ... by this name's password
        self.source = b""  # the host that its dialog came from
        self.state = b"O" if incoming else b"S"
        self.code = 0
        self.reason = ""
        self.remote_ended = False
        self.dialog = self.m = self.sdp = None
        self.early = []
        self.invite = self.tx = self.bye = None  # Request, server Transaction, Request
        self.late = self.follow = self.held = self.trying = self.ringing = self.leaving = False
        self.body = self.ok = b""
        self.strays = ()
        self.retry_at = self.end_at = self.limit_at = None  # the last: of the longest call
        self.interval = limits.T1
        self.mod = None  # a Reinvite, once something changes
        self.warned = False
        self.info = self.data = None  # what sends digits; the application's own

    # --- what the application does ---

    def ring(self, now, code=180):
        """Callee: tell the caller that it rings (180), or send the answer ahead as early media
        (183).
        """
        if self.state == b"O":
            body = self.body if code == 183 and not self.late else b""
            if body and self.short_of(code, body):
                return  # a stranger's 200 could not be paid for any more
            self._answer(code, now, body)
            self.ringing = True
            if body:
                self._tell("early-media")

    def answer(self, now):
        self._fire(b"a", now)

    def reject(self, now, code=603):
        """Callee: refuse with a final code, 300-699."""
        if not 300 <= code <= 699:
            raise UsageError("a final failure code is 300 to 699")
        if self.state == b"O":
            self._fail(code, word(code))
        self._fire(b"j", now)

    def hangup(self, now, why="HungUp"):
        if self.state == b"O":
            self._fail(480, why)
        elif not self.reason:
            early = self.state in b"SR"
            self._fail(487 if early else 200, "Cancelled" if early else why)
        self.leaving = True  # until it is done: see poll()
        self._fire(b"h", now)
        self.leaving = False

    def limit(self, ms, now):
        """Hang up in `ms` milliseconds (reason TimeUp); `warning` is told limits.WARN_MS before."""
        self.warned = ms <= limits.WARN_MS
        self.limit_at = later(now, ms if self.warned else ms - limits.WARN_MS)

    def hold(self, on, now):
        """Put the peer on hold, or resume, by a re-INVITE."""
        self.change().hold(on, now)

    def refresh(self, now):
        """Tell the peer that our address or codecs changed (`sdp` holds the new ones), by a
        re-INVITE.
        """
        self.change().wish(now)

    def change(self):
        """What changes the session; most calls do without."""
        if not self.mod:
            from .reinvite import Reinvite

            self.mod = Reinvite(self)
        return self.mod

    def request(self, tx, m, now):
        """A request came within the dialog. True when it is answered."""
        if self.state == b"W":
            self._tell("proven")  # ACK or not, the peer knows our tag
        if m.method == b"BYE":
            data = self.agent.response(m, 200)
            try:
                tx.respond(200, data, now)
            finally:  # answered or not, it ends the call
                self._fire(b"b", now)
            return True
        if m.method == b"INVITE":
            self.change().came(tx, m, now)
            return True
        if m.method == b"INFO":
            from .info import received

            received(self, tx, m, now)
            return True
        return False

    # --- what transactions tell ---

    def response(self, request, m, status, now):
        d = self.dialog
        change = self.mod.request if self.mod else None
        again = m and 200 <= status < 300 and request.method == b"INVITE"
        if again and d and m.to_tag == d.remote_tag and request is not change:
            request.ack_again(d, now)
        elif again and request is self.invite and self.state in b"EBX":
            self._stray(m, now)
        elif request is self.invite:
            if status >= 300 and not self.code:
                self._fail(status, word(status))
            self._with(m, b"1" if status < 200 else b"2" if status < 300 else b"3", now)
        elif request is change:
            self.mod.response(m, status, now)
        elif status >= 200:
            if request is self.bye:
                self._fire(b"y", now)
            elif status in (481, 408):  # 12.2.1.2
                self.gone(status, now)

    def gone(self, status, now):
        """A request within the dialog was answered 481, or not at all."""
        if not self.reason:
            self._fail(status, "Lost")
            self.remote_ended = True
        self._fire(b"d" if status == 481 else b"h", now)

    def ack(self, tx, m, now):
        if not self.mod or not self.mod.ack(m, now):
            self._with(m, b"k", now)

    def _with(self, m, event, now):
        self.m = m
        try:
            self._fire(event, now)
        finally:
            self.m = None

    def cancelled(self, tx, m, now):
        if tx is self.tx and self.state == b"O":  # later ones crossed our answer
            self._fail(487, "Cancelled")
            v = m.get("reason")
            if v and b"cause=200" in v:
                self.reason = "AnsweredElsewhere"
            self.remote_ended = True
            self._fire(b"c", now)

    def lost(self, tx, status, now):
        if tx is self.tx:
            if not self.reason:
                self._fail(status, word(status))
            self._fire(b"l", now)

    def poll(self, now):
        if self.leaving:
            self._fire(b"h", now)
            self.leaving = False
        if self.retry_at is not None and left(self.retry_at, now) <= 0:
            self._fire(b"~", now)
        if self.end_at is not None and left(self.end_at, now) <= 0:
            self._fire(b"$", now)
        if self.limit_at is not None and left(self.limit_at, now) <= 0:
            self.limit_at = None
            if self.warned:
                self.hangup(now, "TimeUp")
            else:
                self.limit(limits.WARN_MS, now)
                self._tell("warning", limits.WARN_MS)
        ms = self.mod.poll(now) if self.mod else None
        for at in (self.retry_at, self.end_at, self.limit_at):
            if at is not None:
                at = max(left(at, now), 0)
                if ms is None or at < ms:
                    ms = at
        return ms

    # --- the machine ---

    def _fire(self, event, now):
        i = MACHINE.find(self.state + event)
        state = MACHINE[i + 3 : i + 4]
        # A deadline is used up before it is acted on: none can come round for ever. But not before
        # what wants memory.
        if event == b"~":
            self.retry_at = None
        elif event == b"$":
            self.end_at = None
        if i < 0:
            return
        was = self.state
        end_at = self.end_at
        if state != was:
            if self.agent.log:
                self.agent.log(self, was, state)
            self.state = state
            if state in b"YZ":
                self.invite.quit = True
            if state == b"Z":  # however short it was to ring: when the peer does, it is cancelled
                self.end_at = later(now, limits.TIMEOUT)
            if state not in b"RZSOV":  # the others set a time limit of their own, or need none
                self.end_at = None
        try:
            _ACTIONS[MACHINE[i + 2]](self, now)
        except ProtocolError as e:
            # What the peer sent cannot be used: a provisional is passed over, anything else ends
            # the call.
            if event == b"1":
                return
            self._fail(e.status or 400, "Failed")
            self.state = state = b"X"
        except Exception:  # no memory, or the listener: nothing may be left half ended ...
            if state == b"X":
                self.abandon(now)
            elif event in b"2k":  # ... or half begun
                if not self.dialog:  # as if the 2xx was lost: it will come again
                    self.state = was
                    self.end_at = end_at
                elif state == b"E":
                    self.hangup(now, "Failed")
                elif self.end_at is None:  # its ACK goes out when it comes again
                    self._bye(now)
            raise
        if self.state == b"X" and state == b"X":
            self.abandon(now)

    def _tell(self, event, detail=None):
        self.agent.listener(event, self, detail)

    def _fail(self, code, why):
        self.code = code
        self.reason = why

    def abandon(self, now):
        """It is over: for us, or the network is gone for good. The peer is not told."""
        agent = self.agent
        if self not in agent.parts:
            return
        self._leave()
        if not self.reason:
            self._fail(200, "HungUp")
        try:
            # Transactions stay for half a minute: an INVITE from us needs the call for 2xx that
            # come again, which need no more of it than the dialog.
            if self.tx:
                self.tx.owe(self.code if self.code >= 300 else 480, now)
        finally:
            try:
                self._tell("ended")
            finally:
                self.sdp = self.bye = self.data = None
                self.early = self.lines = ()

    def _leave(self):
        # Wants no memory: a call can end in any case.
        self.state = b"X"
        self.end_at = self.retry_at = self.limit_at = None
        if self.mod:
            self.mod.stop()
        d = self.dialog
        dialogs = self.agent.dialogs
        if d and dialogs.get(d.found_by) is d:
            del dialogs[d.found_by]
        if self in self.agent.parts:
            self.agent.parts.remove(self)

    def drop(self):
        """It did not come about, and nobody has heard of it: what its session has can go."""
        self._leave()
        self._tell("dropped")

    # --- both ---

    def _bye(self, now):
        if self.end_at is None:
            self.end_at = later(now, limits.BYE_MS)
        self.retry_at = later(now, limits.T1)
        if self.mod:
            self.mod.stop()
        if self.sdp and self.sdp.hush:  # the BYE may take half a minute
            self.sdp.hush()
        if not self.reason:
            self._fail(408, "NoAnswer")  # our 2xx was never acknowledged
        self.bye = Request(self.agent, self.dialog, b"BYE", self)
        self.bye.send(now)
        self.retry_at = None

    def _bye_came(self, now):
        if not self.reason:
            self._fail(200, "HungUp")
            self.remote_ended = True

    def connected(self, now):
        """The call is up: tell, and do what was wished for meanwhile."""
        self.alive(now)
        self._tell("answered")
        self.media()
        if self.mod and self.mod.wanted:
            self.mod.wanted = False
            self.mod.wish(now)

    def alive(self, now):
        """The peer was heard."""
        if self.state == b"E":
            self.end_at = later(now, limits.PROBE_MS)

    def _probe(self, now):
        # An answer of any kind is a sign of life; 481 and 408 end the call.
        self.alive(now)
        Request(self.agent, self.dialog, b"OPTIONS", self).send(now)

    def _nothing(self, now):
        pass

    def media(self):
        """The agreed media may have changed: tell, and say held or resumed."""
        self._tell("media", self.sdp.remote)
        held = self.sdp.remote.direction != "sendrecv"
        if held != self.held:
            self.held = held
            self._tell("held" if held else "resumed", self.sdp.remote.direction)


_ACTIONS = {
    ord("p"): Call._provisional,
    ord("u"): Call._established,
    ord("v"): Call._up_to_bye,
    ord("f"): Call._failed,
    ord("n"): Call._nothing,
    ord("s"): Call._send_cancel,
    ord("t"): Call._ring_timeout,
    ord("o"): Call._send_ok,
    ord("r"): Call._ok_again,
    ord("m"): Call._acked,
    ord("j"): Call._ring_again,
    ord("e"): Call._send_failure,
    ord("q"): Call._cancel_came,
    ord("i"): Call._nobody_answered,
    ord("g"): Call._bye,
    ord("z"): Call._bye_came,
    ord("y"): Call._probe,
    ord("x"): Call._nothing,
}
