# usip: the four transaction machines, RFC 3261 17 with RFC 6026
# MIT licence; Copyright (c) 2026 the usip authors

from . import limits
from .clock import later, left
from .errors import UsageError

# Rows: state, event, action, next state. No row: the event is ignored in that state.
#
# states  C Calling  T Trying  P Proceeding  F Completed (final response)  K Confirmed
#         A Accepted  X Terminated
# events  1 2 3  a 1xx, a 2xx, a 300-699 came (client)
#         5 6 7  the user sends a 1xx, a 2xx, a 300-699 (server)
#         @ +  the request again, its ACK (server)
#         ~ the retransmission timer (A, E, G; an INVITE server's Proceeding: time for a 100)
#         $ the last timer (B, D, F, ...)  ! the transport failed
# actions p pass up  q pass up, now Proceeding  a enter Accepted  f enter Completed
#         r send again, double the interval  g send again  s send
#         t tell of time-out  l the same, and wait for stragglers
#         e tell of transport error  k ACK again  h send 100
#         c await stray ACKs  u pass the ACK up  x nothing more

# fmt: off
INVITE_CLIENT = (  # 17.1.1, figure 5 of RFC 6026
    b"C1qP C2aA C3fF C~rC C$tX C!eX "
    # Proceeding has no timer in the RFC: ours is timer C's, so that a peer that only ever rings
    # cannot hold it for ever.
    b"P1pP P2aA P3fF P$tX P!eX "
    b"F3kF F$xX F!eX "
    b"A2pA A$xX "
)
CLIENT = (  # 17.1.2, figure 6
    b"T1qP T2fF T3fF T~rT T$tX T!eX "
    b"P1qP P2fF P3fF P~rP P$tX P!eX "
    b"F$xX "
)
INVITE_SERVER = (  # 17.2.1, figure 7 of RFC 6026
    b"P5sP P6aA P7fF P@gP P~hP P$tX P!eX "
    b"F@gF F~rF F+cK F$lK F!eX "
    b"K$xX "
    b"A6sA A+uA A$xX A!eX "
)
SERVER = (  # 17.2.2, figure 8
    b"T5sP T6fF T7fF T$tX "
    b"P5sP P6fF P7fF P@gP P$tX P!eX "
    b"F@gF F$xX F!eX "
)
# fmt: on
MACHINES = (INVITE_CLIENT, CLIENT, INVITE_SERVER, SERVER)

_INITIAL = {0: b"C", 1: b"T", 2: b"P", 3: b"T"}


class Transaction:
    """One transaction of either side.

    Driven by `fire(event, now)` through its table. `user` is told: `response(tx, m, status, now)`
    on the client side (`m` is None for a local 408 or 503), on the server side `ack(tx, m, now)`
    and `lost(tx, status, now)` when no ACK came (408) or the transport failed (503). `data` is what
    was sent last: the request, or the last response."""

    def __init__(self, agent, machine, flow, branch, method, user, now):
        self.agent = agent
        self.machine = MACHINES[machine]
        self.state = _INITIAL[machine]
        self.client = machine < 2
        self.invite = machine in (0, 2)
        self.flow = flow
        self.branch = branch
        self.method = method
        self.user = user
        self.request = None  # server side: the Message, for the response
        self.tag = None  # ... and our To tag, once it is known
        self.owed = 0  # ... and the final status, when its user is gone without having answered
        self.data = self.ack = None
        self.m = None  # the message that the current event brought
        self.keys = self.list = None  # the table's: what it is found by, the queue it is in
        self.interval = limits.T1
        self.retry_at = None
        if self.invite and not self.client:
            self.retry_at = later(now, limits.TRYING_AFTER)
        # A server's user that never answers is cut off as well; an INVITE's rings as long as
        # limits.py allows.
        self.life = limits.TIMEOUT if self.retry_at is None else limits.RING_MS + limits.TIMEOUT
        self.end_at = later(now, self.life)

    def start(self, data, now):
        """Client side: send the request."""
        self.data = data
        if not self.flow.reliable:
            self.retry_at = later(now, self.interval)
        self.agent.transactions.place(self)
        self._send(data, now)

    def respond(self, code, data, now):
        """Server side: send the response `data`. A repeated 2xx of an INVITE goes the same way
        (13.3.1.4).
        """
        self.m = data
        self.fire(b"5" if code < 200 else b"6" if code < 300 else b"7", now)

    def fire(self, event, now, m=None):
        """Let `event` (one byte) happen; `m` is the message that brought it. Ignored where the
        table has no row.
        """
        machine = self.machine
        i = machine.find(self.state + event)
        if i < 0:
            return
        if m is not None:
            self.m = m
        state = machine[i + 3 : i + 4]
        if state != self.state and self.agent.log:
            self.agent.log(self, self.state, state)
        self.state = state
        try:
            _ACTIONS[machine[i + 2]](self, now)
        finally:  # whatever its user raises
            self.m = None
            if self.state == b"X":
                self.agent.transactions.remove(self)
            elif self.keys is not None:
                self.agent.transactions.place(self)

    def spent(self):
        """Whether one that is over (F, K, A) may go before its time, for another to have its place:
        not an INVITE that still waits for its ACK or for a 2xx, nor one that would ring again if it
        came again. A re-INVITE that came again is out of order in its dialog."""
        if not self.invite or self.state == b"K":
            return True
        if self.state == b"F":
            return self.client
        return not (self.client or self.user or self.keys[1])

    def _send(self, data, now):
        if not self.agent.send(data, self.flow, now) and (
            # A datagram that could not be sent is a lost one: Wi-Fi comes back, and what was
            # answered must not be answered anew. Requests but BYE fail at once, for others to ask.
            self.flow.reliable or self.client and self.method != b"BYE"
        ):
            self.fire(b"!", now)

    def _end(self, ms, now):
        self.agent.transactions.leave(self)
        self.retry_at = None
        self.life = ms
        self.end_at = later(now, ms)

    def expire(self, ms, now):
        """End in `ms` at the latest: its queue changes with its end."""
        if self.keys is not None:
            self._end(ms, now)
            self.agent.transactions.place(self)

    def poll(self, now):
        """Do what is due; milliseconds until the next deadline."""
        if self.retry_at is not None and left(self.retry_at, now) <= 0:
            self.fire(b"~", now)
        ms = left(self.end_at, now)
        if ms <= 0 and self.state != b"X":
            self.fire(b"$", now)
            ms = left(self.end_at, now)
        if self.state == b"X":
            return None
        if self.retry_at is not None:
            ms = min(ms, left(self.retry_at, now))
        return max(ms, 0)

    # --- actions ---

    def _pass(self, now):
        self.user.response(self, self.m, self.m.status, now)

    def _provisional(self, now):
        if self.invite:
            self._end(limits.RING_MS + limits.TIMEOUT, now)  # no retransmission any more (17.1.1.2)
        else:
            self.interval = limits.T2  # 17.1.2.2
        self._pass(now)

    def _accept(self, now):
        if not self.client:
            self._transmit(now)
            self.request = None  # a kilobyte less for half a minute
        self._end(limits.TIMEOUT if self.client else limits.LINGER, now)  # timers M and L
        if self.client:
            self.data = None  # it will not be sent again
            self._pass(now)

    def _final(self, now):
        reliable = self.flow.reliable
        if not self.client:
            if self.invite:
                self._end(limits.TIMEOUT, now)  # timer H
                if not reliable:
                    self.retry_at = later(now, self.interval)  # timer G
            else:
                self._end(0 if reliable else limits.LINGER, now)  # timer J
            self._transmit(now)
            self.request = None
            return
        try:
            if self.invite:
                self._end(0 if reliable else limits.TIMER_D, now)
                self._ack(now)
            else:
                self._end(0 if reliable else limits.T4, now)  # timer K
                self.data = None  # it will not be sent again
        finally:  # an ACK that there is no memory for goes out when the response comes again
            user = self.user
            self.user = None  # a call that was refused need not stay for half a minute
            if self.state != b"X":  # the ACK did not get out, and that was told
                user.response(self, self.m, self.m.status, now)

    def _repeat(self, now):
        # Timer A doubles without bound, E and G up to T2.
        self.interval *= 2
        if self.interval > limits.T2 and not (self.client and self.invite):
            self.interval = limits.T2
        self.retry_at = later(now, self.interval)
        self._again(now)

    def _again(self, now):
        if self.data:
            self._send(self.data, now)
        elif self.invite and self.retry_at is None and self.user:
            self.user.again(self, now)  # it has not answered yet, and wants no 100

    def _transmit(self, now):
        self.data = data = self.m
        if self.invite and self.state == b"P":
            self.retry_at = None  # answered in time: no 100
        elif self.state == b"A":
            self.data = None  # its user sends a 2xx again, not we
        self._send(data, now)

    def _ack(self, now):
        if self.ack is None:
            try:
                self.ack = self.agent.derive(b"ACK", self.data, self.m.get("to"))
            except UsageError:
                self.ack = b""  # a To that long: it goes without
            self.data = None  # it will not be sent again
        if self.ack:
            self._send(self.ack, now)

    def owe(self, status, now):
        """The user is gone, and may have had no memory to answer: then this is the answer."""
        self.user = None
        if self.state == b"P":
            self.owed = status
            self.retry_at = now
            self.agent.transactions.place(self)

    def _trying(self, now):
        self.retry_at = later(now, limits.T1)
        if self.owed:
            self.agent.answer(self, self.owed, now)
        else:
            self.m = self.agent.response(self.request, 100)
            self._transmit(now)

    def _confirmed(self, now):
        self.data = None
        # Timer I, and more: the CANCEL or the INVITE again has to find what it was answered.
        self._end(0 if self.flow.reliable else limits.LINGER, now)

    def _ack_up(self, now):
        if self.user:
            self.user.ack(self, self.m, now)

    def _tell(self, status, now):
        if not self.user:
            return
        if self.client:
            self.user.response(self, None, status, now)
        else:
            self.user.lost(self, status, now)

    def _timeout(self, now):
        self._tell(408, now)

    def _no_ack(self, now):
        self._tell(408, now)
        self.data = None
        self._end(limits.LINGER - limits.TIMEOUT, now)

    def _error(self, now):
        self._tell(503, now)

    def _nothing(self, now):
        pass


_ACTIONS = {
    ord("p"): Transaction._pass,
    ord("q"): Transaction._provisional,
    ord("a"): Transaction._accept,
    ord("f"): Transaction._final,
    ord("r"): Transaction._repeat,
    ord("g"): Transaction._again,
    ord("s"): Transaction._transmit,
    ord("k"): Transaction._ack,
    ord("h"): Transaction._trying,
    ord("c"): Transaction._confirmed,
    ord("u"): Transaction._ack_up,
    ord("t"): Transaction._timeout,
    ord("l"): Transaction._no_ack,
    ord("e"): Transaction._error,
    ord("x"): Transaction._nothing,
}
