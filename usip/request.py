# usip: one request of ours, with its answers to challenges (RFC 3261 8.1.3.5, 22)
# MIT licence; Copyright (c) 2026 the usip authors

from . import limits
from .errors import UsageError


class Request:
    """A request and its transactions: each answered challenge is a new one, with CSeq + 1 and a new
    branch.

    `user.response(request, m, status, now)` hears of every response that is not an answered
    challenge; `m` is None for what we found out ourselves: 408 no answer, 503 no way to send it,
    513 too long.
    """

    def __init__(self, agent, dialog, method, user, lines=(), ctype=b"", body=b""):
        self.agent = agent
        self.dialog = dialog
        self.method = method
        self.user = user
        self.lines = lines  # more header lines: name, value, name, value, ...
        self.ctype = ctype
        self.body = body
        self.cseq = 0
        self.tries = 0
        self.quit = False  # True: a challenge is not worth an answer any more
        self.auth = ()  # the credentials that were sent: an ACK repeats them (22.1)
        self.tx = None
        self.flow = None
        self.ack_data = self.ack_flow = None  # of an INVITE that got its 2xx

    def send(self, now):
        """Send it, or send it again under a new CSeq."""
        agent = self.agent
        d = self.dialog
        self.flow = flow = agent.flow_to(d, now)
        if not flow or not agent.room():
            self.user.response(self, None, 503, now)
            return
        if agent.guard and (d.owner or d.proven and d.trusts(flow.remote[0])):
            agent.guard.know(flow.remote)  # we began, or the other end is there
        d.cseq = self.cseq = (d.cseq + 1) & limits.NUMBER_MAX
        self.auth = agent.credentials_for(flow, self.method, d)
        branch = agent.branch()
        try:
            data = self._build(flow, branch)
        except UsageError:  # it does not fit: a target or a route set that long
            if self.auth:
                agent.credentials.forget()  # or what was asked of us: not every time anew
            self.user.response(self, None, 513, now)
            return
        tx = agent.client(flow, self.method, self, now, branch)
        self.tx = tx
        try:
            tx.start(data, now)
        except MemoryError:  # all or nothing
            agent.transactions.remove(tx)
            raise

    def _build(self, flow, branch):
        w = self.agent.writer
        self.dialog.write(w, self.method, self.cseq, self.agent.via(flow, branch))
        if self.method == b"INVITE":
            w.line(b"Contact", self.agent.contact(flow))
        for lines in (self.lines, self.auth):
            for i in range(0, len(lines), 2):
                w.line(lines[i], lines[i + 1])
        w.line(b"User-Agent", self.agent.name)
        return w.done(self.ctype, self.body)

    def ack(self, dialog, now, ctype=b"", body=b""):
        """ACK a 2xx that confirmed `dialog` (13.2.2.4): no transaction, a branch of its own. False
        when there is no way to send it. The 2xx again gets the same again by `ack_again`.
        """
        agent = self.agent
        flow = agent.flow_to(dialog, now)
        if not flow:
            return False
        w = agent.writer
        try:
            dialog.write(w, b"ACK", self.cseq, agent.via(flow, agent.branch()))
            for i in range(0, len(self.auth), 2):
                w.line(self.auth[i], self.auth[i + 1])
            self.ack_data = w.done(ctype, body)
        except UsageError:
            return False
        self.ack_flow = flow
        self.lines = self.auth = ()
        self.body = b""  # of no use any more, and a call may be long
        agent.send(self.ack_data, flow, now)
        return True

    def ack_again(self, dialog, now):
        """The 2xx came again, or when nobody waits for it any more: it wants its ACK."""
        if self.ack_data:
            self.agent.send(self.ack_data, self.ack_flow, now)
        else:
            self.ack(dialog, now)

    def cancel(self, now):
        """CANCEL this request (9.1); False without room. The caller has seen a provisional."""
        agent = self.agent
        room = agent.room()
        if room:
            data = agent.derive(b"CANCEL", self.tx.data)
            tx = agent.client(self.flow, b"CANCEL", NOBODY, now, self.tx.branch)
            tx.start(data, now)
        return room

    def response(self, tx, m, status, now):
        if tx is not self.tx:
            return
        if m and status in (401, 407) and not self.quit:
            try:
                if self.agent.challenged(self, m):
                    self.send(now)
                    return
            except MemoryError:  # who waits for the answer must not wait for ever
                self.user.response(self, None, 503, now)
                raise
        try:
            if m:
                self.agent.answered(self, m)
        finally:
            self.user.response(self, m, status, now)


class _Nobody:
    """Takes what nobody waits for."""

    def response(self, tx, m, status, now):
        pass

    def lost(self, tx, status, now):
        pass

    def ack(self, tx, m, now):
        pass


NOBODY = _Nobody()
