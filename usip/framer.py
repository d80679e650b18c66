# usip: SIP messages out of a byte stream (RFC 3261 18.3)
# MIT licence; Copyright (c) 2026 the usip authors

from . import limits
from .errors import ProtocolError
from .message import head, length, parse

_PING = b"\r\n\r\n"


class Framer:
    """Cuts a byte stream into messages (RFC 3261 18.3, 7.5; RFC 5626 3.5.1).

    `feed(data)` takes what came and returns a list: Message, b"\\r\\n\\r\\n" for a ping that wants
    CRLF back. A lone CRLF is nothing. Raises ProtocolError when the stream can no longer be
    followed: answer if there is a `message`, then close. What came before the fault is returned
    first, and the next call raises: feed on, with b"", until nothing is returned."""

    def __init__(self):
        self._buf = b""

    def feed(self, data):
        self._buf += data
        out = []
        try:
            while True:
                x = self._next()
                if x is None:
                    break
                if x:
                    out.append(x)
        except ProtocolError:
            if not out:
                raise
        return out

    def _next(self):
        buf = self._buf
        if buf[:2] == b"\r\n" and buf != b"\r\n" and buf != b"\r\n\r":
            # One line end goes only when something else follows it: it may be half a ping.
            x = _PING if buf[:4] == _PING else b""
            self._buf = buf[4 if x else 2 :]
            return x
        if buf[:1] == b"\n" or buf[:1] == b"\r" and buf[1:2] not in b"\n":
            raise ProtocolError(400, "bare CR or LF")
        end = buf.find(_PING)
        if end < 0:
            if len(buf) > limits.MESSAGE_MAX:
                raise ProtocolError(513, "message too large")
            return None
        m, at = head(buf[: end + 4])
        try:
            n = length(m)
            if n is None:
                raise ProtocolError(400, "no Content-Length on a stream")
            if at + n > limits.MESSAGE_MAX:
                raise ProtocolError(513, "message too large")
        except ProtocolError as e:
            e.message = m
            raise
        if len(buf) < at + n:
            return None
        m = parse(buf[: at + n])
        self._buf = buf[at + n :]
        return m
