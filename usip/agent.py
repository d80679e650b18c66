# usip: the user agent core: what comes in finds its transaction, dialog or use
# MIT licence; Copyright (c) 2026 the usip authors

from . import limits
from .compose import Composer
from .errors import ProtocolError, UsageError
from .header import address
from .message import check, parse
from .table import Table, key
from .transaction import Transaction
from .uri import Uri

ALLOW = b"INVITE, ACK, CANCEL, BYE, OPTIONS, INFO, MESSAGE, NOTIFY"
ACCEPT = b"application/sdp, application/dtmf-relay, application/dtmf, text/plain"
# Known, not served: 405. A method that nobody told us of: 501 (8.2.1, RFC 4475 3.1.1.2).
_KNOWN = (
    b"INVITE",
    b"REGISTER",
    b"SUBSCRIBE",
    b"PUBLISH",
    b"REFER",
    b"UPDATE",
    b"PRACK",
    b"INFO",
    b"MESSAGE",
    b"BYE",
)
# What makes sense only in a dialog: 481 outside of one.
_IN_DIALOG = (b"BYE", b"INFO", b"UPDATE", b"PRACK")


class Agent(Composer):
    """A SIP user agent, sans I/O. It is driven by three things:

    the application (methods of this class and of what it hands out), the network (`receive(data,
    flow, now)`) and a timer (`poll(now)`, which does what is due and returns the milliseconds until
    it wants to be called again, None for never). It sends through `flow.send(data)`, gets flows
    from `net.flow(host, port, transport)` (None: unreachable) and tells the application through
    `listener(event, subject, detail)`; see docs/architecture.md."""

    def __init__(self, net, listener, aor=b"sip:usip@localhost", display=b""):
        Composer.__init__(self, net, Uri(aor), display)
        self.listener = listener
        self.transactions = Table()
        self.most = limits.TRANSACTIONS
        self.dialogs = {}  # Call-ID, our tag, the peer's -> Dialog
        self.parts = []  # what has deadlines beside the transactions: poll(now) -> ms or None
        self.methods = {b"OPTIONS": self._options, b"NOTIFY": self._ok}
        self.allow = ALLOW
        self.policy = None  # a Policy: who may talk to us out of dialog; None: anybody
        self.guard = None  # a Guard: what strangers may cost; None: there are none
        self.trace = None
        self.log = None  # log(object, old state, new state)
        # The account, where there is one: credentials go to a trusted flow and nowhere else.
        self.credentials = None
        self.routes = []  # preset Route values of new conversations: outbound proxy, Service-Route

    # --- the network and the timer ---

    def receive(self, data, flow, now):
        """A datagram came (bytes). Never raises for anything that is in it."""
        if self.trace:
            self.trace(False, data, flow, now)
        # Looked at closely only when it begins so: strip() copies.
        if (not data or data[0] in b"\r\n\x00") and not data.strip(b"\r\n\x00"):
            return  # a keep-alive
        try:
            m = parse(data)
        except ProtocolError as e:
            self._unreadable(e, flow, now)
            return
        self.take(m, flow, now)

    def take(self, m, flow, now):
        """A parsed message came."""
        m.flow = flow
        try:
            if m.status:
                self._response(m, now)
            else:
                self._request(m, now)
        except UsageError:
            pass  # a message of ours, a route set long, did not fit: as if it was lost
        except ProtocolError as e:
            if m.method and m.method != b"ACK" and e.status:
                self.refuse(m, e.status, now)

    def _unreadable(self, e, flow, now):
        m = e.message
        if not e.status or not m or not m.method or m.method == b"ACK":
            return
        m.flow = flow
        if not m.sent_by:
            try:
                check(m)
            except ProtocolError:
                pass
        if "via" in m.names and (not self.policy or self.policy.lets(flow)):
            self.refuse(m, e.status, now)

    def poll(self, now):
        """Do what is due. Returns the milliseconds until the next deadline, None when there is
        none.
        """
        # Transactions tell the parts, and what those do begins new transactions.
        self.transactions.poll(now)
        first = None
        for p in tuple(self.parts):
            ms = p.poll(now)
            if ms is not None and (first is None or ms < first):
                first = ms
        ms = self.transactions.poll(now)
        return ms if first is None or ms is not None and ms < first else first

    def send(self, data, flow, now):
        """Give `data` to `flow`; False when the transport has failed."""
        try:
            if self.guard:
                data = self.guard.fit(data, flow.remote)
                if not data:
                    return True  # as if it was lost
            if self.trace:
                self.trace(True, data, flow, now)
            sent = flow.send(data)
        except MemoryError:
            return True  # as if the network had lost it
        if not sent and self.note:
            self.note(b"%s:%d is unreachable" % flow.remote, now)
        return sent

    # --- transactions ---

    def room(self, ours=True):
        """True while the table of transactions has room, or room could be made: one that is over
        and only kept for the case that a message got lost goes. Some places are for
        requests of ours: strangers cannot keep us from hanging up."""
        table = self.transactions
        if len(table) < (self.most if ours else self.most - limits.OWN_TRANSACTIONS):
            return True
        # Ours first: a late answer to it is passed over in any case. Then what belongs to a dialog:
        # its CSeq tells that it comes again. A text that comes again would be another.
        least = 9
        for tx in table:
            if tx.state in b"FKA" and tx.spent():
                n = 0 if tx.client else 2 if tx.keys[1] else 1
                if tx.state == b"A":
                    n += 3
                if n < least:
                    least = n
                    over = tx
        if least < 9:
            table.remove(over)
            return True
        return False

    def client(self, flow, method, user, now, branch):
        """A new client transaction; ask `room` before."""
        machine = 0 if method == b"INVITE" else 1
        tx = Transaction(self, machine, flow, branch, method, user, now)
        self.transactions.add(tx, (branch, method))
        return tx

    def _response(self, m, now):
        if len(m.all("via")) != 1:
            return  # 8.1.3.3: not for us
        # 17.1.3: the branch and the method of CSeq
        tx = self.transactions.get((m.branch, m.cseq_method))
        if tx:
            if self.guard:
                self.guard.know(m.flow.remote)  # nobody else knows the branch
            tx.fire(b"1" if m.status < 200 else b"2" if m.status < 300 else b"3", now, m)

    def _find(self, m, method):
        return self.transactions.get(key(m, method))

    def _request(self, m, now):
        ack = m.method == b"ACK"
        tx = self._find(m, b"INVITE" if ack else m.method)
        if tx:
            if not ack:
                tx.fire(b"@", now, m)
            # 13.2.2.4: one for a 2xx has our tag, or is from somebody who has not seen it.
            elif tx.state != b"A" or self.dialog(m):
                tx.fire(b"+", now, m)
            return
        if ack:
            d = self.dialog(m)
            if d and d.user:
                d.user.ack(None, m, now)
            return
        if m.method == b"CANCEL":
            self._cancel(m, now)
            return
        d = self.dialog(m) if m.to_tag else None
        # Before it has a place in the table: strangers cannot fill it.
        if not d and self.policy:
            if not self.policy.admit(m, now):
                return
            if m.known and self.guard:
                self.guard.know(m.flow.remote)
        # A BYE may have one of our places: a call must end when the table is full.
        if (
            self.guard
            and not self.guard.share(m)
            or not self.room(m.method == b"BYE" and d is not None)
        ):
            self.refuse(m, 503, now, (b"Retry-After", b"5"))
            return
        invite = m.method == b"INVITE"
        tx = Transaction(
            self, 2 if invite else 3, self.reply_flow(m), m.branch, m.method, None, now
        )
        tx.request = m
        table = self.transactions
        # 8.2.2.2: the same request by another path
        once = None if m.to_tag else (m.call_id, m.from_tag, m.cseq, m.method)
        merged = table.get(once) is not None
        table.add(tx, key(m, m.method), once)
        try:
            try:
                self._dispatch(tx, m, merged, now)
            except ProtocolError as e:
                lines = (b"Retry-After", b"1") if e.status == 500 else ()
                self.answer(tx, e.status or 400, now, lines)
        except (UsageError, ProtocolError):
            # Our own answer did not fit: too many Via or Record-Route to echo. Or a Via that cannot
            # be taken apart: with a transaction its 100 would fail in poll().
            table.remove(tx)
            self.refuse(m, 513, now)
        except Exception:  # no memory: as if the request was lost, unless somebody has taken it
            if tx.data is None and tx.user is None:
                table.remove(tx)
            raise
        finally:
            if tx.keys is not None:
                table.place(tx)

    def _cancel(self, m, now):
        # 9.2: it has the branch of what it cancels. It is answered in any case, never challenged,
        # and without a transaction: it must get through when the table is full.
        # 22.1: it cannot be challenged. Who sends it has to know the call; not to be where the
        # INVITE came from, for a NAT may have moved.
        other = self._find(m, b"INVITE")
        r = other and other.request
        if r and (r.call_id != m.call_id or r.from_tag != m.from_tag):
            other = None
        if not other and self.policy and not self.policy.admit(m, now):
            return
        # 9.2: with the To tag of the other responses
        self.refuse(m, 200 if other else 481, now, tag=other.tag if other else None)
        if other and other.user:
            other.user.cancelled(other, m, now)
        if other and other.state in b"AK":  # it will be asked for as long as a CANCEL is repeated
            other.expire(limits.LINGER, now)

    def _dispatch(self, tx, m, merged, now):
        # 8.2, in the order of the RFC
        handler = self.methods.get(m.method)
        d = None
        if m.to_tag:
            d = self.dialog(m)
        elif not handler and m.method not in _IN_DIALOG:
            self.answer(tx, 405 if m.method in _KNOWN else 501, now, (b"Allow", self.allow))
            return
        u = Uri(m.uri)
        if not u.host:
            raise ProtocolError(416)
        for name in ("from", "to"):
            address(m.get(name))
        if merged:
            raise ProtocolError(482)
        if m.get("require"):
            self.answer(tx, 420, now, (b"Unsupported", b", ".join(m.all("require"))))
            return
        if len(m.body) > limits.BODY_MAX:
            raise ProtocolError(413)
        if d:
            before = d.remote_cseq
            d.check(m)
            try:
                if d.user.request(tx, m, now):
                    return
            except MemoryError:
                if tx.data is None:  # it will come again
                    d.remote_cseq = before
                raise
        elif m.to_tag and m.method != b"NOTIFY":
            # 12.2.2. An OPTIONS too: a peer asks by it whether its call is still one here.
            raise ProtocolError(481)
        if not handler or m.method == b"INVITE" and d:
            if m.method in _IN_DIALOG and not d:
                raise ProtocolError(481)
            self.answer(tx, 405 if m.method in _KNOWN else 501, now, (b"Allow", self.allow))
            return
        handler(tx, m, now)

    # --- answering ---

    def answer(self, tx, code, now, lines=(), ctype=b"", body=b"", tag=None, phrase=None):
        """Answer the request of the server transaction `tx`, once."""
        if tx.request:
            data = self.response(tx.request, code, lines, ctype, body, tag, phrase)
            tx.respond(code, data, now)

    def refuse(self, m, code, now, lines=(), tag=None):
        """Answer `m` without a transaction (8.2.7): unreadable, or the table is full."""
        try:
            data = self.response(m, code, lines, tag=tag)
        except (ProtocolError, UsageError):
            return  # not even its Via can be echoed
        self.send(data, self.reply_flow(m), now)

    def _options(self, tx, m, now):
        self.answer(
            tx,
            200,
            now,
            (
                b"Allow",
                self.allow,
                b"Accept",
                ACCEPT,
                b"Supported",
                b"",
                b"Contact",
                self.contact(m.flow),
            ),
        )

    def _ok(self, tx, m, now):
        self.answer(tx, 200, now)

    # --- dialogs and requests of our own ---

    def dialog(self, m):
        """The dialog that the request `m` is within, None if there is none."""
        d = self.dialogs.get((m.call_id, m.to_tag, m.from_tag))
        if d:
            d.heard = m.flow.remote  # nobody else knows our tag
            d.proven = True
            if self.guard:
                self.guard.know(m.flow.remote)
        return d

    # --- digest ---

    def credentials_for(self, flow, method, dialog):
        """Authorization lines for a request to `flow`: only the registrar's or outbound proxy's
        flow ever gets any.
        """
        lines = []
        if self.credentials and flow.remote in self.trusted:
            for proxy, name in ((False, b"Authorization"), (True, b"Proxy-Authorization")):
                v = self.credentials.authorization(proxy, method, dialog.target)
                if v:
                    lines += (name, v)
        return lines

    def challenged(self, request, m):
        """A 401 or 407 came: True when the request is worth sending again."""
        if not self.credentials or request.flow.remote not in self.trusted:
            return False
        proxy = m.status == 407
        values = m.lines("proxy-authenticate" if proxy else "www-authenticate")
        tries = self.credentials.challenge(values, proxy, request.tries)
        if not tries:
            return False
        request.tries = tries
        return True

    def answered(self, request, m):
        """A response other than a challenge that we answer came: it may name the next nonce."""
        if request.auth and 200 <= m.status < 300:
            for proxy, name in (
                (False, "authentication-info"),
                (True, "proxy-authentication-info"),
            ):
                if name in m.names:
                    self.credentials.info(m.get(name), proxy)
