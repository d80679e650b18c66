# usip: text messages (RFC 3428) and single requests
# MIT licence; Copyright (c) 2026 the usip authors

from . import limits
from .dialog import Dialog, contact
from .errors import ProtocolError, UsageError
from .request import Request
from .uri import sip

# What we found out ourselves
_WHY = {408: b"No answer", 513: b"Too long"}


class Single:
    """One request of ours outside of any dialog. When its final response is there `status`,
    `reason` and `m` are set and the listener hears `event`.
    """

    def __init__(self, agent, event, method, uri, now, ctype=b"", body=b"", follow=False):
        self.event = event
        self.follow = follow
        self.status = 0
        self.reason = b""
        self.m = None
        self._send(agent, method, uri, now, ctype, body)

    def _send(self, agent, method, uri, now, ctype, body, heard=None):
        u = sip(uri)
        d = Dialog(agent.aor, b"<" + uri + b">", u.text(True))
        d.routes = list(agent.routes)
        d.heard = heard
        Request(agent, d, method, self, (), ctype, body).send(now)

    def response(self, request, m, status, now):
        if self.follow and m and 300 <= status < 400 and contact(m):
            self.follow = False  # once
            try:
                r = request
                heard = m.flow.remote
                self._send(r.agent, r.method, contact(m), now, r.ctype, r.body, heard)
            except MemoryError:  # who waits for the answer must not wait for ever
                self.response(request, None, 503, now)
                raise
        elif status >= 200 and not self.status:
            self.status = status
            self.m = m
            self.reason = m.reason if m else _WHY.get(status, b"Unreachable")
            request.agent.listener(self.event, self, status)


def send(agent, uri, text, now, follow=False):
    """Send `text` (bytes, UTF-8) to `uri`; tells `message-sent` with the status. `follow`: go where
    a 302 points.
    """
    if len(text) > limits.TEXT_MAX:
        raise UsageError("text too long")
    return Single(
        agent, "message-sent", b"MESSAGE", uri, now, b"text/plain;charset=UTF-8", text, follow
    )


def ping(agent, uri, now):
    """Ask `uri` for its capabilities; tells `options` with the status."""
    return Single(agent, "options", b"OPTIONS", uri, now)


class Pager:
    """Makes `agent` take text messages: event `message`, subject the Message, detail the text as
    bytes.
    """

    def __init__(self, agent):
        self.agent = agent
        agent.methods[b"MESSAGE"] = self._message

    def _message(self, tx, m, now):
        agent = self.agent
        if m.content_type() not in (b"text/plain", b""):
            agent.answer(tx, 415, now, (b"Accept", b"text/plain"))
            return
        if len(m.body) > limits.TEXT_MAX:
            raise ProtocolError(413)
        try:
            str(m.body, "utf-8")
        except UnicodeError:
            raise ProtocolError(415, "text is not UTF-8")
        # In this order a text that there is no memory for is not answered, and comes again.
        data = agent.response(m, 200)
        agent.listener("message", m, m.body)
        tx.respond(200, data, now)
