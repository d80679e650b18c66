# usip: what strangers may cost us, and what they may get
# MIT licence; Copyright (c) 2026 the usip authors

from . import limits
from .clock import later, left

# Of an entry: when this host's turn would be if its messages had come one by one (a leaky bucket in
# one number); the bytes that we may send to it before it has spoken again, or None: it is known;
# the datagrams of its that had no answer.
_TURN = 0
_SPARE = 1
_ASKED = 2

_BURST_MS = 2000
_HEAD = 28  # IP and UDP: two short datagrams for a long one are more on the wire than in bytes

# RFC 3261 7.3.3: what an answer may leave out of names that every peer understands.
_SHORT = (
    (b"\r\nVia: ", b"\r\nv:"),
    (b"\r\nFrom: ", b"\r\nf:"),
    (b"\r\nTo: ", b"\r\nt:"),
    (b"\r\nCall-ID: ", b"\r\ni:"),
    (b"\r\nCSeq: ", b"\r\nCSeq:"),
    (b"\r\nContact: ", b"\r\nm:"),
    (b"\r\nContent-Type: ", b"\r\nc:"),
    (b"\r\nContent-Length: ", b"\r\nl:"),
)
# ... and of what an answer only should have, or can do without when it is this or nothing.
_OPTIONAL = (b"Allow: ", b"Accept: ", b"Supported: ", b"User-Agent: ")
# Of SDP what goes without saying: static payload types (RFC 3551 6), both ways (RFC 8866 6.7),
# 20 ms (RFC 3551 4.2), the sixteen keys (RFC 4733 2.4.1).
_SDP = (
    b"a=rtpmap:8 PCMA/8000\r\n",
    b"a=rtpmap:0 PCMU/8000\r\n",
    b"a=sendrecv\r\n",
    b"a=ptime:20\r\n",
    b"a=fmtp:101 0-15\r\n",
)


class Guard:
    """Stands before the parser and after the writer, sans I/O. Hosts are bytes.

    The registrar and whom the agent's policy lists are trusted, and of no concern here. A host is
    known when it has shown that it gets what we send to it (its request has our random tag, its
    response our branch), or when we began to talk to it. All others are strangers, whose address
    may be anybody's: together they get no more bytes than they send, each for itself, and no more
    work out of us than limits.py says. The table is small, and the known are the last to leave it.
    """

    def __init__(self, agent):
        self.agent = agent
        self.remote = None  # of the datagram in hand: as a flow, for the policy
        self.refused = 0  # datagrams that were not looked at
        self.held = 0  # our datagrams to strangers that were not sent
        self._now = 0
        self._turn = None  # of all strangers together
        self.hosts = {}

    def trusted(self, remote):
        """Whether nothing is counted for this (host, port)."""
        if remote in self.agent.trusted:
            return True
        policy = self.agent.policy
        if not policy:
            return False
        self.remote = remote
        return policy.listed(self)

    def admits(self, buf, n, remote, now):
        """Whether the datagram buf[:n] is worth parsing. Cheap: most of a flood ends here."""
        if self.trusted(remote):
            return True
        # A request line or a status line has it; a keep-alive is answered by nobody.
        if buf.find(b"SIP/", 0, n) < 0 or not self._pay(remote[0], n, now):
            self.refused += 1
            return False
        return True

    def _pay(self, host, n, now):
        self._now = now
        e = self.hosts.get(host)
        ms = limits.STRANGER_MS if e is None or e[_SPARE] is not None else limits.KNOWN_MS
        turn = now if e is None else _turn(e[_TURN], now)
        if left(turn, now) > _BURST_MS:
            return False
        if ms == limits.STRANGER_MS:
            all_ = _turn(self._turn, now)
            if left(all_, now) > _BURST_MS:
                return False
            self._turn = later(all_, limits.STRANGERS_MS)
        if e is None:
            e = self._enter(host)
        e[_TURN] = later(turn, ms)
        if e[_SPARE] is not None:
            e[_SPARE] = min(e[_SPARE] + n, limits.STRANGER_BYTES)
            e[_ASKED] += 1
        return True

    def _enter(self, host):
        hosts = self.hosts
        now = self._now
        if len(hosts) >= limits.SOURCES:
            out = worst = None
            for h in hosts:
                # Strangers first, and of these who was quiet longest.
                e = hosts[h]
                rank = (e[_SPARE] is None, 0 if e[_TURN] is None else left(e[_TURN], now))
                if worst is None or rank < worst:
                    out = h
                    worst = rank
            del hosts[out]
        e = hosts[host] = [None, 0, 0]
        return e

    def know(self, remote):
        """This host gets what we send to it."""
        if not self.trusted(remote):
            e = self.hosts.get(remote[0]) or self._enter(remote[0])
            e[_SPARE] = None

    def stranger(self, remote):
        e = self.hosts.get(remote[0])
        return (e is None or e[_SPARE] is not None) and not self.trusted(remote)

    def share(self, m):
        """Whether the request `m` may have a place in the table of transactions. Strangers have
        few, and the registrar's side some that nobody else gets; room is made as in Agent.room.
        """
        agent = self.agent
        if self.trusted(m.flow.remote):
            return True
        strange = self.stranger(m.flow.remote)
        if not strange and not agent.trusted:
            return True
        n = limits.STRANGER_TRANSACTIONS if strange else limits.OTHER_TRANSACTIONS
        over = None
        for tx in agent.transactions:
            remote = tx.flow.remote
            if not tx.client and (self.stranger(remote) if strange else not self.trusted(remote)):
                n -= 1
                # Of a stranger's that was refused it is not worth to wait for the ACK.
                if tx.state in b"FKA" and (tx.spent() or strange and tx.state == b"F"):
                    over = tx
        if n > 0:
            return True
        if over:
            agent.transactions.remove(over)
        return over is not None

    def twice(self, first, then, remote):
        """Whether there is enough to spare for these two, and for the second once more."""
        spare = self.spare(remote)
        return spare is None or spare > len(brief(first)) + 2 * len(brief(then)) + 2 * _HEAD

    def spare(self, remote):
        """The bytes that a datagram there may have; None: as many as we like."""
        if not self.stranger(remote):
            return None
        e = self.hosts.get(remote[0])
        return e[_SPARE] if e else 0

    def fit(self, data, remote):
        """`data`, about to be sent there; for a stranger it may become shorter, or None: it has had
        as much as it sent. That is as if it was lost: who asks again has more to spare."""
        spare = self.spare(remote)
        if spare is None:
            return data
        e = self.hosts.get(remote[0])
        more = 0 if e and e[_ASKED] > 0 else _HEAD
        # As it is if there is room for the same again, should it get lost. A provisional is news.
        if 2 * len(data) + more >= spare or data[:9] == b"SIP/2.0 1":
            data = brief(data)
            if len(data) + more >= spare:
                self.held += 1
                return None
        e[_SPARE] -= len(data) + more
        e[_ASKED] -= not more
        return data


def _turn(turn, now):
    # One that is over, that never was, or so far ahead that the clock has come round since: now.
    return turn if turn is not None and 0 < left(turn, now) <= 2 * _BURST_MS else now


def brief(data):
    """A response as short as RFC 3261 lets it be; other messages as they are."""
    if data[:8] != b"SIP/2.0 ":
        return data
    at = data.find(b"\r\n\r\n")
    head = data[:at]
    body = data[at:]
    if b"\r\nContent-Type: application/sdp\r\n" in head:
        size = len(body)
        for line in _SDP:
            body = body.replace(line, b"")
        was = b"\r\nContent-Length: %d" % (size - 4)
        head = head.replace(was, b"\r\nContent-Length: %d" % (len(body) - 4))
    for name in _OPTIONAL:
        i = head.find(b"\r\n" + name)
        if i >= 0:
            j = head.find(b"\r\n", i + 2)
            head = head[:i] + (head[j:] if j >= 0 else b"")
    for name, short in _SHORT:
        head = head.replace(name, short)
    # 25.1: the phrase may be empty, the space before it may not.
    return head[:12] + head[head.find(b"\r\n") :] + body
