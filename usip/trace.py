# usip: what passed lately, and why it did not ring
# MIT licence; Copyright (c) 2026 the usip authors

from .clock import left
from .errors import ProtocolError
from .message import parse


def _plain(text):
    # From the network: one line stays one line, and no terminal is steered by it.
    return bytes([c if 31 < c < 127 else 63 for c in text[:140]])


class Trace:
    """A trace hook that remembers the last messages in `size` bytes and can say what went wrong.

    Kept of a message: start line, CSeq, Warning, Reason, Retry-After. Never kept: passwords,
    bodies, other headers. RTP is only counted (`rtp`: in and out since the last call was answered),
    and counting allocates nothing.
    """

    _now = 0

    def __init__(self, size=1024):
        self._buf = bytearray(size)  # lines, each ended by LF; around the end, over the oldest
        self._buf[0] = 10
        self._at = 1
        # What became of the last request of each kind: (when, text, 0 well, 1 failed, 2 waiting,
        # 3 waiting and had credentials). Kept beside the ring, so that a night of refreshes does
        # not wash a failure away. It has a place for what we send only, so it cannot grow.
        self._fate = {}
        self._call = [0, 0, 0]  # Call-ID, answered at, ended at
        self.rtp = [0, 0]

    def __call__(self, out, data, flow, now):
        self._now = now
        if flow.transport == b"RTP":
            if len(data) > 1 and not 192 <= data[1] <= 223:  # RTCP is no sound
                self.rtp[out] += 1
            return
        text = b"%s:%d" % flow.remote
        line = b"no answer from %s: wrong user name or address?" % text
        text = b"%c %s" % (60 + 2 * out, text)  # < or >
        try:
            m = parse(bytes(data))
        except ProtocolError as e:
            m = e.message
        if not m:  # a keep-alive, or a piece of anything, Authorization too: nothing of it is kept
            self._put(text)
            return
        fate = self._fate
        if not out:
            fate.pop(0, 0)  # the network works again
        method = m.cseq_method
        status = m.status
        state = 2 + (b"uthorization: " in m.data)  # as we write it
        s = b"%d" % status
        # Up to the second colon: sip:user:password@host
        what = s + b" " + m.reason if status else m.method + b" " + b":".join(m.uri.split(b":")[:2])
        for k in ("warning", "reason", "retry-after"):
            if k in m.names:
                what += b"; " + m.get(k)
        what = _plain(what)
        # A PBX asks every half minute: one line that counts instead of a ring full of them.
        if method != b"OPTIONS":
            text += b" %d/%d" % (m.cseq, hash(m.call_id) % 1000)
        self._put(text + b"  *"[state - 2 : state] + what)
        call = self._call
        was = fate.get(method)
        if not status:
            if method == b"BYE" and call[0] == m.call_id:
                call[2] = now
            if not out or method in b"ACK CANCEL":
                return
            if was and was[2] > 1:
                now = was[0]
        else:
            if 199 < status < 300 and method == b"INVITE" and call[0] != m.call_id:
                self._call = [m.call_id, now, 0]
                self.rtp = [0, 0]
            # Anybody may make up methods, and answers to them.
            if out:
                if method != b"INVITE" or s in b"401 407":  # a challenge of ours is no failure
                    return
                method = b"We refused INVITE"
            elif not was:
                return
            state = status > 299
            if s in b"401 407":
                line = b"wrong password" if was[2] > 2 else b"a password is wanted"
            elif state:
                # What it means to the person at the door; the first is for all others. One string:
                # a dict of them takes three times as much on a board.
                words = (
                    b"   refused|403 forbidden: wrong password?|404 unknown there"
                    b"|408 no answer there|415 text not understood|423 lifetime too short"
                    b"|480 nobody there|486 busy|487 nobody answered in time"
                    b"|488 no codec in common|500 server trouble|603 declined|"
                )
                i = words.find(b"500" if s[0] == 53 else s) + 4
                line = words[i : words.find(b"|", i)] + b" (" + what + b")"
        text = {b"REGISTER": b"Not registered", b"INVITE": b"Call failed"}.get(method, method)
        fate[method] = now, text + b": " + line, state

    def _put(self, text):
        buf = self._buf
        text += b" x"
        i = buf.find(text)
        if i > 0:  # seen before: it only counts, to nine
            i = (i + len(text)) % len(buf)
            if 48 < buf[i] < 57:
                buf[i] += 1
            return
        i = self._at
        for c in b"%d %s1\n" % (self._now, text):
            buf[i] = c
            i = (i + 1) % len(buf)
        self._at = i

    def note(self, text, now):
        """The agent or the port tells (bytes) of what no datagram shows: ICMP error, lost
        connection."""
        self._now = now
        text = _plain(text)
        self._fate[0] = now, text, 1
        self._put(text)

    def lines(self):
        """Oldest first: ms, < in or > out, peer, CSeq/mark of the call, * for a request
        with credentials, start line, times seen (to 9)."""
        b = self._buf[self._at :] + self._buf[: self._at]
        return str(b, "utf-8").split("\n")[1:-1]

    def explain(self):
        """The last failure in plain words, for a person at a door."""
        now = self._now
        best = None
        call = self._call
        if call[0] and 0 in self.rtp and left(call[2] or now, call[1]) > 2000:
            best = call[1], b"No sound went out"
            if self.rtp[1]:
                best = call[1], b"No sound came in: NAT or firewall?"
        for f in self._fate.values():
            # Silence is a failure when a request has gone out four times (RFC 3261 17.1.2.2).
            if f[2] == 1 or f[2] and left(now, f[0]) > 3400:
                if not best or left(f[0], best[0]) > 0:
                    best = f
        return str(best[1], "utf-8") if best else "All is well"
