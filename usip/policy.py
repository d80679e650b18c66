# usip: who may talk to us
# MIT licence; Copyright (c) 2026 the usip authors
#
# All rules for what comes from outside of a dialog, in one place. Within a dialog its identifiers
# are the right: nobody has our random tag, and the peer's, who does not see the traffic (RFC 3261
# 19.3).

from .errors import ProtocolError, UsageError
from .header import address, host_port
from .uri import Uri


class Policy:
    """Judges each request that belongs to no dialog and to no transaction.

    `allow` lists, separated by commas, who is let in: "registrar" (what comes from where we
    register), "any", hosts as "10.0.0.5", "10.0.0.5:5062" or "10.0.0.*", all numeric. `users`, a
    dict of name and password, lets in also who answers our digest challenge. All others are
    `strangers`: 0, the default, is silence, and a status, 403 say, is their answer.

    `refused` counts them, `last` is (method, remote address) of the newest. Whom "any" alone
    lets in is not `known`: he may ring, and that is all; see `auto`.
    """

    def __init__(self, agent, allow="registrar", users=None, strangers=0, auto=False):
        self.agent = agent
        self.strangers = strangers
        self.refused = 0
        self.last = None
        self._auto = auto
        self._any = self._registrar = False
        self._hosts = []
        for word in allow.replace(",", " ").split():
            if word == "any":
                self._any = True
            elif word == "registrar":
                self._registrar = True
            else:
                self._hosts.append(_host(word.encode()))
        self._digest = None
        if users:
            from .server.authenticate import Authenticator

            passwords = {}
            for name in users:
                passwords[_bytes(name)] = _bytes(users[name])
            self._digest = Authenticator(agent.uri.host, passwords.get)
            agent.parts.append(self._digest)

    def listed(self, flow):
        """Whether `allow` names the other end of `flow`."""
        remote = flow.remote
        if self._registrar and remote in self.agent.trusted:
            return True
        for host, port in self._hosts:
            there = remote[0]
            if (not port or port == remote[1]) and (
                host == there
                or host[-1:] == b"."
                and there[: len(host)] == host
                or b":" in host
                and b":" in there
                and _whole(host) == _whole(there)
            ):
                return True
        return False

    def lets(self, flow):
        """Whether what comes by `flow` may come in, whoever it says it is from."""
        return self._any or self.listed(flow)

    def admit(self, m, now):
        """True when the request `m` may come in; `m.known` tells whether we know who it is and
        `m.user` is the name that answered our challenge. When it may not, it has been answered or
        is to be passed over in silence."""
        if self.listed(m.flow):
            m.known = True
            return True
        stale = False
        value = self._digest.ours(m.lines("authorization")) if self._digest else None
        if value is not None:
            try:
                user, stale = self._digest.check(value, m.method, m.uri, now)
            except ProtocolError:
                user = None
            if user is not None:
                m.known = True
                m.user = user
                return True
        if self._any:
            return True
        self.refused += 1
        self.last = m.method, m.flow.remote
        if m.method == b"ACK":  # never answered (17.1.1.3)
            return False
        if self._digest and (value is None or stale) and m.method != b"CANCEL":
            # 22.1: a CANCEL cannot be sent again with credentials
            lines = ()
            for v in self._digest.challenges(now, stale):
                lines += (b"WWW-Authenticate", v)
            self.agent.refuse(m, 401, now, lines)
        elif self.strangers:
            self.agent.refuse(m, self.strangers, now)
        return False

    def auto(self, call):
        """Whether an incoming core `call` is to be answered by itself: `auto` is True, or lists the
        user names that may; and only for callers who are known. A stranger who is let in to ring
        must not listen into a house."""
        if not self._auto or not call.known:
            return False
        if self._auto is True:
            return True
        # Who proved a name goes by that one, whatever he writes into From.
        user = call.user
        if user is None:
            user = Uri(address(call.peer)[1]).user
        return user is not None and user in [_bytes(name) for name in self._auto]


def _bytes(text):
    return text if isinstance(text, bytes) else text.encode()


def _whole(host):
    # RFC 4291 2.2: an IPv6 address may leave out zeros, and MicroPython writes them all.
    left, gap, right = host.lower().partition(b"::")
    left = left.split(b":") if left else []
    right = right.split(b":") if right else []
    if gap:
        left += [b"0"] * (8 - len(left) - len(right)) + right
    return [group.lstrip(b"0") for group in left]


def _host(word):
    # A name would be somebody else's word for an address.
    try:
        if word[-2:] == b".*":
            host, port = word[:-1], 0
        else:
            host, port = host_port(word)
            host = host.strip(b"[]")
    except ProtocolError:
        host = b""
    if not host.strip(b".") or b":" not in host and host.strip(b"0123456789."):
        raise UsageError("allow wants registrar, any, or numeric addresses: " + str(word, "utf-8"))
    return host, port
