# usip: dialogs, RFC 3261 12
# MIT licence; Copyright (c) 2026 the usip authors

from . import limits
from .errors import ProtocolError
from .header import address
from .rand import token
from .uri import Uri


def untagged(value):
    """A From or To value without its parameters: what goes back into our own From or To."""
    i = value.rfind(b">")
    if i >= 0:
        return value[: i + 1]
    i = value.find(b";")
    return b"<" + (value if i < 0 else value[:i]).strip() + b">"


def contact(m):
    """The URI of the first Contact of `m`, None when it has none or it is no SIP URI."""
    try:
        u = Uri(address(m.all("contact")[0])[1])
    except (ProtocolError, IndexError):
        return None
    return u.text(True) if u.host else None


class Dialog:
    """What requests of one conversation have in common: both ends, Call-ID, CSeq numbers, route
    set, remote target.

    Before the peer has given its tag (`remote_tag` is b"") it is the half of a dialog that an
    out-of-dialog request needs: a registration keeps one for life, `fork` makes the early and
    confirmed dialogs of an INVITE from it."""

    def __init__(self, local, remote, target, call_id=None):
        self.local = local  # name-addr
        self.remote = remote
        self.target = target  # remote target: the Request-URI
        self.call_id = call_id or token(20)
        self.local_tag = token(10)
        self.remote_tag = b""
        self.cseq = 0
        self.remote_cseq = -1
        self.routes = []
        self.confirmed = False
        self.proven = False  # a request with our tag came
        self.owner = call_id is None  # of the Call-ID: who waits longer after a 491 (14.1)
        self.user = None
        self.heard = None  # where the other end's messages come from: (host, port)
        self.found_by = None  # key(), once it was wanted

    def fork(self, m):
        """UAC: the dialog that the response `m` to our INVITE creates (12.1.2)."""
        d = Dialog(self.local, untagged(m.get("to")), contact(m) or self.target, self.call_id)
        d.local_tag = self.local_tag
        d.remote_tag = m.to_tag
        d.cseq = self.cseq
        d.owner = True
        d.user = self.user
        d.heard = m.flow.remote
        try:
            d.routes = _routes(m)
        except ProtocolError:
            pass  # what nobody can follow; a 2xx needs its ACK all the same
        d.routes.reverse()
        return d

    @staticmethod
    def accept(m):
        """UAS: the dialog that the INVITE `m` creates (12.1.1). Raises ProtocolError(400) without a
        usable Contact.
        """
        target = contact(m)
        if target is None:
            if m.branch[:7] == b"z9hG4bK":
                raise ProtocolError(400, "no Contact")
            target = Uri(address(m.get("from"))[1]).text(True)  # RFC 2543 peers may leave it out
        d = Dialog(untagged(m.get("to")), untagged(m.get("from")), target, m.call_id)
        d.remote_tag = m.from_tag
        d.remote_cseq = m.cseq
        d.routes = _routes(m)
        d.heard = m.flow.remote
        return d

    def key(self):
        """What the agent finds it by (12.2.2): Call-ID, our tag, the peer's tag."""
        if self.found_by is None:
            self.found_by = self.call_id, self.local_tag, self.remote_tag
        return self.found_by

    def check(self, m):
        """12.2.2: a CSeq below the last one is out of order: 500 (the agent adds Retry-After)."""
        if m.cseq <= self.remote_cseq:
            raise ProtocolError(500, "CSeq out of order")
        self.remote_cseq = m.cseq

    def trusts(self, host):
        """Whether what we send to `host` is what the other end may ask for: it is there itself, or
        is known. Else its Contact would have us write to anybody.
        """
        return self.heard and self.heard[0] == host or getattr(self.user, "known", False)

    def refresh(self, m):
        """Target refresh (12.2.1.2, 12.2.2): a re-INVITE or its 2xx may move the peer."""
        self.target = contact(m) or self.target
        self.heard = m.flow.remote

    def hop(self):
        """The Uri that the next request goes to: the topmost Route or the remote target."""
        return Uri(address(self.routes[0])[1] if self.routes else self.target)

    def write(self, w, method, cseq, via):
        """Begin a request in the writer `w`: start line to CSeq. `via` is the whole Via value."""
        target = self.target
        routes = self.routes
        if routes:
            first = Uri(address(routes[0])[1])
            if (
                first.param(b"lr") is None
            ):  # strict router (12.2.1.1): it takes the Request-URI, the target goes last
                routes = routes[1:] + [b"<" + target + b">"]
                target = first.text(True)
        w.request(method, target)
        w.line(b"Via", via)
        w.line(b"Max-Forwards", b"70")
        for r in routes:
            w.line(b"Route", r)
        w.line(b"From", self.local, b";tag=" + self.local_tag)
        w.line(b"To", self.remote, b";tag=" + self.remote_tag if self.remote_tag else b"")
        w.line(b"Call-ID", self.call_id)
        w.line(b"CSeq", b"%d " % cseq, method)


def _routes(m):
    r = m.all("record-route")
    if len(r) > limits.ROUTES:
        raise ProtocolError(400, "too many Record-Route")
    for v in r:
        Uri(address(v)[1])  # checked once, here
    return r
