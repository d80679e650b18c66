# usip: the messages that a user agent writes, but for what is special to their use
# MIT licence; Copyright (c) 2026 the usip authors

from . import limits
from .errors import ProtocolError
from .header import param, quote, split
from .message import Writer, head
from .rand import token
from .reasons import reason


def bare(host):
    """A host without the brackets of an IPv6 reference."""
    return host[1:-1] if host[:1] == b"[" else host


def host_port(pair):
    """(host, port) as `host:port`, an IPv6 address in brackets."""
    host, port = pair
    return b"%s:%d" % (b"[" + host + b"]" if b":" in host else host, port)


def private(host):
    """True for an address of a local network (RFC 1918, 3927, 4193, 4291): no NAT before it."""
    p = host.split(b".")
    return (
        host[:3] == b"10."
        or host[:8] in (b"192.168.", b"169.254.")
        or p[0] == b"172"
        and len(p) == 4
        and p[1].isdigit()
        and 16 <= int(p[1][:4]) <= 31
        or host[:2].lower() in (b"fc", b"fd")
        and b":" in host
        or host[:4].lower() == b"fe80"
    )


class Composer:
    """Writes what all requests and responses have in common. `net.flow(host, port, transport)`
    gives flows."""

    name = b"usip/0.1"

    def __init__(self, net, uri, display):
        self.net = net
        self.uri = uri
        self.aor = b"<" + uri.text(True) + b">"
        if display:
            self.aor = quote(display) + b" " + self.aor
        self.writer = Writer(limits.SEND_MAX)
        # For responses outside of dialogs: the same for a request that comes again (8.2.6.2).
        self.tag = token(10)
        self.trusted = []  # remote (host, port) of the registrar's or outbound proxy's flow
        self.note = None  # note(text, now): what no datagram shows
        self.home = None  # Uri: where requests for the account's own domain go
        self.public = None  # (host, port) as the registrar sees us, for Contact

    def branch(self):
        return b"z9hG4bK" + token(16)

    def reply_flow(self, m):
        """Where the response to `m` goes: 18.2.2 with RFC 3581's rport."""
        flow = m.flow
        if not m.sent_by:  # a Via that cannot be read
            return flow
        port = m.sent_by[1] or 5060
        if flow.reliable or port == flow.remote[1] or param(m.via_params, b"rport") is not None:
            return flow
        return self.net.flow(flow.remote[0], port, flow.transport) or flow

    def flow_to(self, dialog, now):
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
        flow = self.net.flow(
            bare(u.host), u.port or (5061 if transport == b"TLS" else 5060), transport
        )
        if not flow and u.scheme != b"sips":
            # A name that the network gave is not looked up, for everything would wait, and there is
            # no other transport: the way to it is the way that its messages came.
            heard = dialog.heard or dialog.routes and self.trusted and self.trusted[0]
            flow = heard and self.net.flow(*heard)
        if not flow and self.note:
            self.note(b"no way to " + u.text(True), now)
        return flow

    def response(self, m, code, lines=(), ctype=b"", body=b"", tag=None, phrase=None):
        """The bytes of a response to `m`. `lines` are more header lines: name, value, name, value,
        ...
        """
        w = self.writer
        w.status(code, phrase or reason(code))
        top = m.sent_by  # one that cannot be read goes back as it is
        for line in m.lines("via"):
            for v in self._vias(line, m) if top else (line,):
                w.line(b"Via", v)
            top = None
        if m.method == b"INVITE" and 100 < code < 300:
            for v in m.lines("record-route"):
                w.line(b"Record-Route", v)
        for name, key in (
            (b"From", "from"),
            (b"To", "to"),
            (b"Call-ID", "call-id"),
            (b"CSeq", "cseq"),
        ):
            v = m.get(key)
            if v is not None:
                w.line(
                    name,
                    v,
                    b";tag=" + (tag or self.tag)
                    if key == "to" and code > 100 and not m.to_tag
                    else b"",
                )
        for i in range(0, len(lines), 2):
            w.line(lines[i], lines[i + 1])
        return w.done(ctype, body)

    def _vias(self, v, m):
        # 18.2.1 and RFC 3581 4: the first one is told where its request came from
        all_ = split(v)
        parts = split(all_[0], b";")
        host, port = m.flow.remote
        told = bare(m.sent_by[0]) == host
        for i in range(1, len(parts)):
            name = parts[i].lower()
            if name[:5] == b"rport":
                told = False
                if name == b"rport":
                    parts[i] = b"rport=%d" % port
        if not told and param(m.via_params, b"received") is None:
            parts.append(b"received=" + host)
        all_[0] = b";".join(parts)
        return all_

    def via(self, flow, branch):
        return (
            b"SIP/2.0/" + flow.transport + b" " + host_port(flow.local) + b";rport;branch=" + branch
        )

    def contact(self, flow):
        """Our Contact as seen by the other end of `flow`."""
        here = flow.local
        if self.public and (flow.remote in self.trusted or not private(flow.remote[0])):
            here = self.public
        more = b">" if flow.transport == b"UDP" else b";transport=" + flow.transport.lower() + b">"
        return b"<sip:" + (self.uri.user or b"usip") + b"@" + host_port(here) + more

    def derive(self, method, data, to=None):
        """The ACK of a final response above 299 (17.1.1.3) or the CANCEL (9.1) of the request
        `data` that we sent.
        """
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
