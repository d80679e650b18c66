# usip: a small registrar (RFC 3261 10.3) that answers calls with 302, so that two devices and no
# PBX make an intercom
# MIT licence; Copyright (c) 2026 the usip authors

from usip import limits
from usip.clock import later, left
from usip.errors import ProtocolError
from usip.header import address, number, param
from usip.uri import Uri, equal, unescape

_ALLOW = b"REGISTER, INVITE, ACK, MESSAGE, OPTIONS"


class _Binding:
    def __init__(self, uri, text, call_id, cseq, until):
        self.uri = uri
        self.text = text
        self.call_id = call_id
        self.cseq = cseq
        self.until = until


class Registrar:
    """Registers users of one domain and points callers to them.

    `agent` is an Agent of its own; `authenticator` a server.authenticate.Authenticator,
    `known(user)` says whether a user exists (bytes -> bool). The listener hears `registered` and
    `unregistered` with the user's name as subject."""

    def __init__(self, agent, authenticator, known):
        self.agent = agent
        self.authenticator = authenticator
        self.known = known
        self.bindings = {}  # user -> [_Binding], the latest first
        agent.allow = _ALLOW
        agent.methods[b"REGISTER"] = self._register
        agent.methods[b"INVITE"] = self._redirect
        agent.methods[b"MESSAGE"] = self._redirect
        agent.methods[b"OPTIONS"] = self._options
        agent.parts.append(self)

    def lookup(self, user):
        """The contact URIs (bytes) of `user`, the latest first."""
        return [b.text for b in self.bindings.get(user, ())]

    def poll(self, now):
        first = self.authenticator.poll(now)
        for user in tuple(self.bindings):
            keep = [b for b in self.bindings[user] if left(b.until, now) > 0]
            for b in keep:
                ms = left(b.until, now)
                if first is None or ms < first:
                    first = ms
            self._keep(user, keep)
        return first

    def _keep(self, user, list_):
        if list_:
            self.bindings[user] = list_
        elif user in self.bindings:
            del self.bindings[user]
            self.agent.listener("unregistered", user, None)

    def _authenticated(self, tx, m, now):
        # The user who sent `m`, None when it was challenged instead.
        stale = False
        for v in m.lines("authorization"):
            user, stale = self.authenticator.check(v, m.method, m.uri, now)
            if user is not None:
                return user
        lines = ()
        for c in self.authenticator.challenges(now, stale):
            lines += (b"WWW-Authenticate", c)
        self.agent.answer(tx, 401, now, lines)
        return None

    def _register(self, tx, m, now):
        # The steps of 10.3
        user = self._authenticated(tx, m, now)
        if user is None:
            return
        aor = Uri(address(m.get("to"))[1])
        if not aor.host:
            raise ProtocolError(400)
        name = unescape(aor.user or b"")
        if name != user:
            raise ProtocolError(403)
        if not self.known(name):
            raise ProtocolError(404)
        here = list(self.bindings.get(name, ()))
        try:
            default = number(m.get("expires") or b"%d" % limits.EXPIRES)
        except ProtocolError:
            default = limits.EXPIRES  # 20.19: unreadable is 3600
        contacts = m.all("contact")
        if len(contacts) > limits.BINDINGS:
            raise ProtocolError(503)
        if b"*" in contacts:
            if len(contacts) > 1 or default or "expires" not in m.names:
                raise ProtocolError(400)
            for b in here:
                _ordered(b, m)
            here = []
        else:
            for v in contacts:
                here = self._bind(here, v, m, default, now)
                if here is None:
                    self.agent.answer(tx, 423, now, (b"Min-Expires", b"%d" % limits.EXPIRES_MIN))
                    return
        if len(here) > limits.BINDINGS or (
            name not in self.bindings and len(self.bindings) >= limits.USERS
        ):
            raise ProtocolError(503)
        was = name in self.bindings
        lines = ()
        for b in here:
            lines += (b"Contact", b"<%s>;expires=%d" % (b.text, left(b.until, now) // 1000))
        self.agent.answer(tx, 200, now, lines)  # what does not fit binds nothing
        self._keep(name, here)
        if here and not was:
            self.agent.listener("registered", name, here[0].text)

    def _bind(self, here, value, m, default, now):
        # One Contact: the list with it added, replaced or removed; None when its lifetime is too
        # short.
        _, u, params = address(value)
        uri = Uri(u)
        if not uri.host:
            raise ProtocolError(400)
        seconds = default
        v = param(params, b"expires") if params else None
        if v:
            try:
                seconds = number(v)
            except ProtocolError:
                seconds = limits.EXPIRES
        if 0 < seconds < limits.EXPIRES_MIN:
            return None
        seconds = min(seconds, limits.EXPIRES)
        kept = []
        for b in here:
            if equal(b.uri, uri):
                _ordered(b, m)
            else:
                kept.append(b)
        if seconds:
            kept.insert(0, _Binding(uri, u, m.call_id, m.cseq, later(now, seconds * 1000)))
        return kept

    def _redirect(self, tx, m, now):
        name = unescape(Uri(m.uri).user or b"")
        if not name or not self.known(name):
            raise ProtocolError(404)
        here = self.lookup(name)
        if not here:
            raise ProtocolError(480)
        lines = ()
        for c in here:
            lines += (b"Contact", b"<" + c + b">")
        self.agent.answer(tx, 302, now, lines)

    def _options(self, tx, m, now):
        if Uri(m.uri).user:
            self._redirect(tx, m, now)
        else:
            self.agent.answer(tx, 200, now, (b"Allow", _ALLOW))


def _ordered(b, m):
    # 10.3 step 7: a request that arrives out of order changes nothing
    if b.call_id == m.call_id and m.cseq <= b.cseq:
        raise ProtocolError(500)
