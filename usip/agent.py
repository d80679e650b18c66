# usip: the user agent core: what comes in finds its transaction, dialog or use; what goes out finds its way
# MIT licence; Copyright (c) 2026 the usip authors

from . import limits
from .errors import ProtocolError, UsageError
from .header import address, param, split
from .message import Writer, check, head, parse
from .rand import token
from .transaction import Transaction
from .uri import Uri

ALLOW = b"INVITE, ACK, CANCEL, BYE, OPTIONS, INFO, MESSAGE, NOTIFY"
ACCEPT = b"application/sdp, application/dtmf-relay, application/dtmf, text/plain"
# Methods that we know of and do not serve: 405. A method that nobody told us of: 501 (8.2.1, RFC 4475 3.1.1.2).
_KNOWN = (b"INVITE", b"REGISTER", b"SUBSCRIBE", b"PUBLISH", b"REFER", b"UPDATE", b"PRACK", b"INFO", b"MESSAGE", b"BYE")
# What makes sense only in a dialog: 481 outside of one.
_IN_DIALOG = (b"BYE", b"INFO", b"UPDATE", b"PRACK")

# RFC 3261 21, one constant: twenty strings of their own would cost a board a kilobyte.
_REASONS = (
    b"100 Trying|180 Ringing|181 Call Is Being Forwarded|183 Session Progress|200 OK|302 Moved Temporarily|"
    b"400 Bad Request|401 Unauthorized|403 Forbidden|404 Not Found|405 Method Not Allowed|407 Proxy Authentication "
    b"Required|408 Request Timeout|413 Request Entity Too Large|415 Unsupported Media Type|416 Unsupported URI "
    b"Scheme|420 Bad Extension|423 Interval Too Brief|480 Temporarily Unavailable|481 Call/Transaction Does Not "
    b"Exist|482 Loop Detected|486 Busy Here|487 Request Terminated|488 Not Acceptable Here|491 Request Pending|"
    b"500 Server Internal Error|501 Not Implemented|503 Service Unavailable|505 Version Not Supported|"
    b"513 Message Too Large|600 Busy Everywhere|603 Decline|"
)


def reason(code):
    """The reason phrase of `code` as bytes."""
    i = _REASONS.find(b"%d " % code)
    if i < 0:
        return b"Error" if code >= 300 else b"OK" if code >= 200 else b"Progress"
    return _REASONS[i + 4 : _REASONS.find(b"|", i)]


def bare(host):
    """A host without the brackets of an IPv6 reference."""
    return host[1:-1] if host[:1] == b"[" else host


def host_port(pair):
    """(host, port) as `host:port`, an IPv6 address in brackets."""
    host, port = pair
    return b"%s:%d" % (b"[" + host + b"]" if b":" in host else host, port)


class Agent:
    """A SIP user agent, sans I/O. It is driven by three things:

    the application (methods of this class and of what it hands out), the network (`receive(data, flow, now)`) and a timer
    (`poll(now)`, which does what is due and returns the milliseconds until it wants to be called again, None for never).
    It sends through `flow.send(data)`, gets flows from `net.flow(host, port, transport)` (None: unreachable) and tells the
    application through `listener(event, subject, detail)`; see docs/architecture.md.
    """

    name = b"usip/0.1"

    def __init__(self, net, listener, aor=b"sip:usip@localhost", display=b""):
        self.net = net
        self.listener = listener
        self.uri = Uri(aor)
        self.aor = b"<" + aor + b">"
        if display:
            self.aor = b'"' + display + b'" ' + self.aor
        self.writer = Writer(limits.SEND_MAX)
        self.transactions = []
        self.dialogs = []
        self.parts = []  # what has deadlines beside the transactions: poll(now) -> ms or None
        self.methods = {b"OPTIONS": self._options, b"NOTIFY": self._ok}
        self.trace = None
        self.log = None  # log(object, old state, new state)
        self.tag = token(10)  # for responses outside of dialogs: the same for a request that comes again (8.2.6.2)
        # The account, where there is one: credentials go to the registrar's (or outbound proxy's) flow and nowhere else.
        self.credentials = None
        self.trusted = []  # remote (host, port) of those flows
        self.routes = []  # preset Route values of new conversations: outbound proxy, Service-Route
        self.home = None  # Uri: where requests for the account's own domain go
        self.public = None  # (host, port) as the registrar sees us, for Contact

    # --- the network and the timer ---

    def receive(self, data, flow, now):
        """A datagram came (bytes). Never raises for anything that is in it."""
        if self.trace:
            self.trace(False, data, flow, now)
        if not data.strip(b"\r\n\x00"):
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
        if m.sent_by:
            self.refuse(m, e.status, now)

    def poll(self, now):
        """Do what is due. Returns the milliseconds until the next deadline, None when there is none."""
        first = None
        for list_ in (self.transactions, self.parts):
            for p in tuple(list_):
                ms = p.poll(now)
                if ms is not None and (first is None or ms < first):
                    first = ms
        return first

    def send(self, data, flow, now):
        """Give `data` to `flow`; False when the transport has failed."""
        if self.trace:
            self.trace(True, data, flow, now)
        return flow.send(data)

    # --- transactions ---

    def forget(self, tx):
        if tx in self.transactions:
            self.transactions.remove(tx)

    def branch(self):
        return b"z9hG4bK" + token(16)

    def client(self, flow, method, user, now, branch=None):
        """A new client transaction, None when the table is full."""
        if len(self.transactions) >= limits.TRANSACTIONS:
            return None
        machine = 0 if method == b"INVITE" else 1
        tx = Transaction(self, machine, flow, branch or self.branch(), method, user, now)
        self.transactions.append(tx)
        return tx

    def _response(self, m, now):
        if m.names.count("via") != 1 or len(m.all("via")) != 1:
            return  # 8.1.3.3: not for us
        for tx in self.transactions:
            # 17.1.3: the branch and the method of CSeq
            if tx.client and tx.branch == m.branch and tx.method == m.cseq_method:
                tx.fire(b"1" if m.status < 200 else b"2" if m.status < 300 else b"3", now, m)
                return

    def _same(self, tx, m, method):
        # 17.2.3. Peers without the magic cookie are matched as RFC 2543 says.
        r = tx.request
        if tx.client or tx.method != method or r.sent_by != m.sent_by or r.branch != m.branch:
            return False
        if m.branch[:7] == b"z9hG4bK" and len(m.branch) > 7:
            return True
        return (
            r.call_id == m.call_id
            and r.cseq == m.cseq
            and r.from_tag == m.from_tag
            and r.uri == m.uri
            and (r.to_tag == m.to_tag or m.method == b"ACK")
            and r.get("via") == m.get("via")
        )

    def _find(self, m, method):
        for tx in self.transactions:
            if self._same(tx, m, method):
                return tx
        return None

    def _request(self, m, now):
        ack = m.method == b"ACK"
        tx = self._find(m, b"INVITE" if ack else m.method)
        if tx:
            # An ACK of a 2xx that fell into its transaction (RFC 2543 peers) belongs to the dialog.
            if not ack:
                tx.fire(b"@", now, m)
                return
            tx.fire(b"+", now, m)
            if tx.state != b"A":
                return
        if ack:
            d = self.dialog(m)
            if d and d.user:
                d.user.ack(None, m, now)
            return
        if len(self.transactions) >= limits.TRANSACTIONS:
            self.refuse(m, 503, now, (b"Retry-After", b"5"))
            return
        invite = m.method == b"INVITE"
        tx = Transaction(self, 2 if invite else 3, self.reply_flow(m), m.branch, m.method, None, now)
        tx.request = m
        if m.method == b"CANCEL":
            self._cancel(tx, m, now)
            return
        merged = not m.to_tag and self._merged(m)
        self.transactions.append(tx)
        try:
            self._dispatch(tx, m, merged, now)
        except ProtocolError as e:
            self.answer(tx, e.status or 400, now, (b"Retry-After", b"1") if e.status == 500 else ())
        except UsageError:  # our own answer did not fit: too many Via or Record-Route to echo
            self.answer(tx, 513, now)

    def _merged(self, m):
        # 8.2.2.2: the same request by another path
        for tx in self.transactions:
            r = tx.request
            if r and r.from_tag == m.from_tag and r.call_id == m.call_id and r.cseq == m.cseq and r.method == m.method:
                return True
        return False

    def _cancel(self, tx, m, now):
        # 9.2: it has the branch of what it cancels. It is answered in any case, and never challenged.
        other = self._find(m, b"INVITE")
        self.transactions.append(tx)
        self.answer(tx, 200 if other else 481, now)
        if other and other.user:
            other.user.cancelled(other, m, now)

    def _dispatch(self, tx, m, merged, now):
        # 8.2, in the order of the RFC
        handler = self.methods.get(m.method)
        d = None
        if m.to_tag:
            d = self.dialog(m)
        elif not handler and m.method not in _IN_DIALOG:
            self.answer(tx, 405 if m.method in _KNOWN else 501, now, (b"Allow", ALLOW))
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
            d.check(m)
            if d.user.request(tx, m, now):
                return
        elif m.to_tag and m.method != b"OPTIONS" and m.method != b"NOTIFY":
            raise ProtocolError(481)
        if not handler or m.method == b"INVITE" and d:
            if m.method in _IN_DIALOG:
                raise ProtocolError(481)
            self.answer(tx, 405 if m.method in _KNOWN else 501, now, (b"Allow", ALLOW))
            return
        handler(tx, m, now)

    # --- answering ---

    def reply_flow(self, m):
        """Where the response to `m` goes: 18.2.2 with RFC 3581's rport."""
        flow = m.flow
        port = m.sent_by[1] or 5060
        if flow.reliable or port == flow.remote[1] or param(m.via_params, b"rport") is not None:
            return flow
        return self.net.flow(flow.remote[0], port, flow.transport) or flow

    def response(self, m, code, lines=(), ctype=b"", body=b"", tag=None, phrase=None):
        """The bytes of a response to `m`. `lines` are more header lines: name, value, name, value, ..."""
        w = self.writer
        w.status(code, phrase or reason(code))
        top = True
        for v in m.lines("via"):
            if top:
                for v in self._vias(v, m):
                    w.line(b"Via", v)
                top = False
            else:
                w.line(b"Via", v)
        if m.method == b"INVITE" and 100 < code < 300:
            for v in m.lines("record-route"):
                w.line(b"Record-Route", v)
        for name, key in ((b"From", "from"), (b"To", "to"), (b"Call-ID", "call-id"), (b"CSeq", "cseq")):
            v = m.get(key)
            if v is not None:
                w.line(name, v, b";tag=" + (tag or self.tag) if key == "to" and code > 100 and not m.to_tag else b"")
        for i in range(0, len(lines), 2):
            w.line(lines[i], lines[i + 1])
        return w.done(ctype, body)

    def _vias(self, v, m):
        # 18.2.1 and RFC 3581 4: the first one is told where its request came from
        all_ = split(v)
        v = all_[0]
        host, port = m.flow.remote
        rport = param(m.via_params, b"rport")
        if rport == b"":
            i = v.lower().find(b";rport")
            v = v[: i + 6] + b"=%d" % port + v[i + 6 :]
        if (rport is not None or bare(m.sent_by[0]) != host) and param(m.via_params, b"received") is None:
            v += b";received=" + host
        all_[0] = v
        return all_

    def answer(self, tx, code, now, lines=(), ctype=b"", body=b"", tag=None, phrase=None):
        """Answer the request of the server transaction `tx`."""
        tx.respond(code, self.response(tx.request, code, lines, ctype, body, tag, phrase), now)

    def refuse(self, m, code, now, lines=()):
        """Answer `m` without a transaction (8.2.7): unreadable, or the table is full."""
        try:
            data = self.response(m, code, lines)
        except (ProtocolError, UsageError):
            return  # not even its Via can be echoed
        self.send(data, self.reply_flow(m), now)

    def _options(self, tx, m, now):
        self.answer(tx, 200, now, (b"Allow", ALLOW, b"Accept", ACCEPT, b"Supported", b"", b"Contact", self.contact(m.flow)))

    def _ok(self, tx, m, now):
        self.answer(tx, 200, now)

    # --- dialogs and requests of our own ---

    def dialog(self, m):
        """The dialog that the request `m` is within, None if there is none."""
        for d in self.dialogs:
            if d.matches(m):
                return d
        return None

    def via(self, flow, branch):
        return b"SIP/2.0/" + flow.transport + b" " + host_port(flow.local) + b";rport;branch=" + branch

    def contact(self, flow):
        """Our Contact as seen by the other end of `flow`."""
        here = self.public if self.public and flow.remote in self.trusted else flow.local
        more = b">" if flow.transport == b"UDP" else b";transport=" + flow.transport.lower() + b">"
        return b"<sip:" + (self.uri.user or b"usip") + b"@" + host_port(here) + more

    def flow_to(self, dialog):
        """The flow for the next request of `dialog`, None when its next hop cannot be reached."""
        try:
            u = dialog.hop()
        except ProtocolError:
            return None
        if not u.host:
            return None
        if self.home and not u.port and u.host.lower() == self.uri.host.lower():
            u = self.home
        transport = b"TLS" if u.scheme == b"sips" else (u.param(b"transport") or b"UDP").upper()
        return self.net.flow(bare(u.host), u.port or (5061 if transport == b"TLS" else 5060), transport)

    def derive(self, method, data, to=None):
        """The ACK of a final response above 299 (17.1.1.3) or the CANCEL (9.1) of the request `data` that we sent."""
        m = head(data)[0]
        w = self.writer
        w.request(method, m.uri)
        w.line(b"Via", m.get("via"))
        w.line(b"Max-Forwards", b"70")
        for r in m.lines("route"):
            w.line(b"Route", r)
        w.line(b"From", m.get("from"))
        w.line(b"To", to or m.get("to"))
        w.line(b"Call-ID", m.get("call-id"))
        w.line(b"CSeq", m.get("cseq").split()[0] + b" ", method)
        return w.done()

    # --- digest ---

    def credentials_for(self, flow, method, dialog):
        """Authorization lines for a request to `flow`: only the registrar's or outbound proxy's flow ever gets any."""
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
            for proxy, name in ((False, "authentication-info"), (True, "proxy-authentication-info")):
                if name in m.names:
                    self.credentials.info(m.get(name), proxy)
