# usip: SIP messages, parse and build (RFC 3261 7, 18.3, 20, 25)
# MIT licence; Copyright (c) 2026 the usip authors

from . import limits
from .errors import ProtocolError, UsageError
from .header import is_token, number, param, split, via

# RFC 3261 7.3.3, RFC 3515, 3892, 4028, 6665: compact forms of header names.
_COMPACT = {
    "a": "accept-contact",
    "b": "referred-by",
    "c": "content-type",
    "d": "request-disposition",
    "e": "content-encoding",
    "f": "from",
    "i": "call-id",
    "j": "reject-contact",
    "k": "supported",
    "l": "content-length",
    "m": "contact",
    "o": "event",
    "r": "refer-to",
    "s": "subject",
    "t": "to",
    "u": "allow-events",
    "v": "via",
    "x": "session-expires",
}


class Message:
    """One SIP request or response: the bytes as they came and an index of where the header fields
    lie.

    Of the start line: `method` (b"" in a response) and `uri`, or `status` (0 in a request) and
    `reason`. `names` lists the header names in order, lower case and long; `get` and `all` decode a
    value when it is asked for. After `check` also `branch`, `sent_by` (host, port), `via_params`,
    `call_id`, `cseq`, `cseq_method`, `from_tag`, `to_tag` (b"" if there is none)."""

    def __init__(self, data):
        self.data = data
        self.method = self.uri = self.reason = b""
        self.status = 0
        self.names = []
        self.spans = []  # start << 13 | end: one small integer a header line
        self.body = b""
        self.branch = self.via_params = self.call_id = self.cseq_method = self.from_tag = (
            self.to_tag
        ) = b""
        self.sent_by = None
        self.cseq = 0

    def _value(self, i):
        i = self.spans[i]
        v = self.data[i >> 13 : i & 0x1FFF]
        if b"\r\n" in v:  # RFC 3261 7.3.1: a folded line is unfolded to a single SP
            v = b" ".join([s.strip() for s in v.split(b"\r\n")])
        return v.strip()

    def get(self, name):
        """The first value of header `name` (lower case, long form) as bytes, None if there is
        none.
        """
        if name not in self.names:
            return None
        return self._value(self.names.index(name))

    def all(self, name):
        """The values of a header that is a comma list, over all its lines, in order."""
        if name not in self.names:
            return []
        out = []
        for i in range(len(self.names)):
            if self.names[i] == name:
                for v in split(self._value(i)):
                    if v:
                        out.append(v)
        return out

    def lines(self, name):
        """The values of a header line by line, commas left alone (challenges, credentials)."""
        return [self._value(i) for i in range(len(self.names)) if self.names[i] == name]

    def content_type(self):
        """The media type of the body in lower case without parameters, b"" when there is no body
        type.
        """
        v = self.get("content-type") or b""
        i = v.find(b";")
        return (v if i < 0 else v[:i]).strip().lower()


def _start_line(m, line):
    # RFC 3261 7.1, 7.2. Exactly one SP between the parts; the version is compared without case.
    if line[:4].upper() == b"SIP/":
        p = line.split(b" ", 2)
        if len(p) < 2 or p[0].upper() != b"SIP/2.0" or len(p[1]) != 3 or not p[1].isdigit():
            raise ProtocolError(0, "bad status line")
        m.status = int(p[1])
        if not 100 <= m.status <= 699:
            raise ProtocolError(0, "bad status code")
        m.reason = p[2] if len(p) > 2 else b""
        return
    p = line.split(b" ")
    m.method = p[0] if is_token(p[0]) else b""
    if len(p) != 3 or not m.method or not p[1]:
        raise ProtocolError(400, "bad request line")
    m.uri = p[1]
    v = p[2].upper()
    if v != b"SIP/2.0":
        raise ProtocolError(505 if v[:4] == b"SIP/" else 400, "bad version")
    if p[1][:1] == b"<" or b"\t" in p[1]:
        raise ProtocolError(400, "bad Request-URI")


_seen = {}  # header names as peers write them -> as we call them


def head(data):
    """Parse start line and header lines: (Message, offset of the body). Raises ProtocolError, whose
    `message` is what could be read, so that a 400 can be sent.
    """
    if len(data) > limits.MESSAGE_MAX:
        raise ProtocolError(513, "message too large")
    at = 0
    while data[at : at + 2] == b"\r\n":  # 7.5: CRLFs before the start line are ignored
        at += 2
    end = data.find(b"\r\n\r\n", at)
    fault = None
    if end < 0:
        fault = ProtocolError(400, "no end of header")
        end = len(data) - 2 if data[-2:] == b"\r\n" else len(data)
    # A lone CR or LF is how one element is made to see a header that another does not.
    n = data.count(b"\r\n", at, end)
    if data.count(b"\n", at, end) != n or data.count(b"\r", at, end) != n:
        fault = ProtocolError(400, "bare CR or LF")
    m = Message(data)
    i = data.find(b"\r\n", at, end)
    if i < 0:
        i = end
    try:
        _start_line(m, data[at:i])
    except ProtocolError as e:
        if not m.method and not m.status:
            raise  # not SIP: there is nothing to answer
        fault = e
    names = m.names
    spans = m.spans
    find = data.find
    most = limits.HEADERS_MAX
    while i < end:
        at = i + 2
        i = find(b"\r\n", at, end)
        while i >= 0 and data[i + 2] in b" \t":
            i = find(b"\r\n", i + 2, end)
        if i < 0:
            i = end
        j = find(b":", at, i)
        raw = data[at:j] if j > 0 else b""
        name = _seen.get(raw)
        if name is None:
            name = raw.rstrip(b" \t")
            if not is_token(name):
                fault = ProtocolError(400, "bad header line")
                continue
            name = str(name, "utf-8").lower()
            name = _COMPACT.get(name, name)
            if len(_seen) < limits.NAMES_KEPT:
                _seen[raw] = name
        if len(names) >= most:
            fault = ProtocolError(513, "too many header lines")
            break
        names.append(name)
        spans.append((j + 1) << 13 | i)
    if fault:
        fault.message = m
        raise fault
    return m, end + 4


def length(m):
    """The Content-Length of `m`, None when it has none. One digit string, one header line,
    capped.
    """
    if "content-length" not in m.names:
        return None
    if m.names.count("content-length") > 1:
        raise ProtocolError(400, "two Content-Length")
    return number(m.get("content-length"), limits.NUMBER_MAX)


def parse(data):
    """The message in the datagram `data` (bytes); raises ProtocolError with `message` where a part
    could be read.

    RFC 3261 18.3: octets beyond Content-Length are ignored, fewer are an error; without it the body
    is the rest."""
    m, at = head(data)
    try:
        n = length(m)
        if n is None:
            n = len(data) - at
        elif n > len(data) - at:
            raise ProtocolError(400, "body shorter than Content-Length")
        m.body = data[at : at + n]
        check(m)
    except ProtocolError as e:
        e.message = m
        raise
    return m


def _tag(value):
    # The tag without taking the address apart: parameters follow the last > or, without <>, the
    # first semicolon.
    i = value.rfind(b">")
    i = value.find(b";", i if i > 0 else 0)
    return b"" if i < 0 else param(value[i:], b"tag") or b""


_ONCE = ("from", "to", "call-id", "cseq")


def check(m):
    """What every element needs of a message (8.1.1, 8.2): the fields that identify it, each once
    and well-formed.
    """
    fault = None
    count = m.names.count
    # As much as can be read is read before an error is raised: the answer needs it.
    for name in _ONCE:
        if count(name) != 1:
            fault = ProtocolError(400, "missing or doubled " + name)
    if count("max-forwards") > 1:
        fault = ProtocolError(400, "doubled max-forwards")
    try:
        vias = m.get("via")
        if vias is None:
            raise ProtocolError(400, "no Via")
        if b"," in vias:
            vias = split(vias)[0]
        _, host, port, m.via_params = via(vias)
        m.sent_by = (host, port)
        m.branch = param(m.via_params, b"branch") or b""
    except ProtocolError as e:
        fault = e
    m.call_id = m.get("call-id") or b""
    m.from_tag = _tag(m.get("from") or b"")
    m.to_tag = _tag(m.get("to") or b"")
    p = (m.get("cseq") or b"").split(None, 1)
    try:
        if len(p) != 2 or not is_token(p[1]):
            raise ProtocolError(400, "bad CSeq")
        m.cseq_method = p[1]
        m.cseq = number(p[0], limits.CSEQ_MAX)
    except ProtocolError as e:
        fault = e
    if not fault and m.method and m.method != m.cseq_method:
        fault = ProtocolError(400, "CSeq method is not the request's")
    if not fault and not m.call_id:
        fault = ProtocolError(400, "empty Call-ID")
    if fault:
        raise fault


class Writer:
    """Builds one message into a buffer of its own. A message that does not fit raises UsageError,
    nothing is cut.
    """

    def __init__(self, most=limits.SEND_MAX):
        # Between two messages the buffer is free: the driver receives into it.
        self.buf = bytearray(max(most, limits.DATAGRAM_MAX))
        self._most = most
        self._n = 0

    def put(self, b):
        """Append the bytes `b`. A slice store with variables allocates nothing."""
        n = self._n + len(b)
        if n > self._most:
            raise UsageError("message does not fit")
        self.buf[self._n : n] = b
        self._n = n

    def request(self, method, uri):
        """Begin a request."""
        self._n = 0
        self.put(b"%s %s SIP/2.0\r\n" % (method, uri))

    def status(self, code, reason):
        """Begin a response."""
        self._n = 0
        self.put(b"SIP/2.0 %d %s\r\n" % (code, reason))

    def line(self, name, value, more=b""):
        """Append the header line `name: value more`; all bytes. A CR or LF in a value would be
        header injection.
        """
        # Joined and put once: bytes that are garbage at once are cheaper than five calls.
        line = b"".join((name, b": ", value, more, b"\r\n"))
        if line.find(b"\n") != len(line) - 1 or line.find(b"\r") != len(line) - 2:
            raise UsageError("line end in header value")
        self.put(line)

    def done(self, ctype=b"", body=b""):
        """Append the body and return the message as bytes."""
        if body:
            self.line(b"Content-Type", ctype)
        self.put(b"Content-Length: %d\r\n\r\n" % len(body))
        self.put(body)
        return bytes(memoryview(self.buf)[: self._n])


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
