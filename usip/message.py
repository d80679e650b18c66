# usip: SIP messages, parse and build (RFC 3261 7, 18.3, 20, 25)
# MIT licence; Copyright (c) 2026 the usip authors

from . import limits
from .errors import ProtocolError, UsageError
from .header import is_token, number, param, split, via

# Header names as nearly all peers write them and the compact forms (RFC 3261 7.3.3, RFC 3515, 3892,
# 4028, 6665) -> as we call them. What is not here is looked at letter by letter.
_KNOWN = {
    b"Via": "via",
    b"From": "from",
    b"To": "to",
    b"Call-ID": "call-id",
    b"CSeq": "cseq",
    b"Contact": "contact",
    b"Max-Forwards": "max-forwards",
    b"Content-Type": "content-type",
    b"Content-Length": "content-length",
    b"Record-Route": "record-route",
    b"Route": "route",
    b"Expires": "expires",
    b"Allow": "allow",
    b"Supported": "supported",
    b"User-Agent": "user-agent",
    b"Server": "server",
    b"a": "accept-contact",
    b"b": "referred-by",
    b"c": "content-type",
    b"d": "request-disposition",
    b"e": "content-encoding",
    b"f": "from",
    b"i": "call-id",
    b"j": "reject-contact",
    b"k": "supported",
    b"l": "content-length",
    b"m": "contact",
    b"o": "event",
    b"r": "refer-to",
    b"s": "subject",
    b"t": "to",
    b"u": "allow-events",
    b"v": "via",
    b"x": "session-expires",
}


class Message:
    """One SIP request or response: the bytes as they came and an index of where the header fields
    lie.

    Of the start line: `method` (b"" in a response) and `uri`, or `status` (0 in a request) and
    `reason`. `names` has the header names, lower case and long, each with where its first line lies
    (start << 13 | end: one small integer); `more` has (name, where) of those that came again. `get`
    and `all` decode a value when it is asked for. After `check` also `branch`, `sent_by` (host,
    port), `via_params`, `call_id`, `cseq`, `cseq_method`, `from_tag`, `to_tag` (b"" if there is
    none). `length` is the Content-Length, None without one."""

    method = uri = reason = body = b""
    status = cseq = 0
    branch = via_params = call_id = cseq_method = from_tag = to_tag = b""
    sent_by = None
    folded = False
    known = False  # see policy.py
    user = None  # whose password came with it
    more = ()
    length = None

    def __init__(self, data):
        self.data = data
        self.names = {}

    def get(self, name):
        """The first value of header `name` (lower case, long form) as bytes, None if there is
        none.
        """
        i = self.names.get(name)
        if i is None:
            return None
        v = self.data[i >> 13 : i & 0x1FFF].strip()
        return _unfolded(v) if self.folded else v

    def lines(self, name):
        """The values of a header line by line, commas left alone (challenges, credentials)."""
        v = self.get(name)
        if v is None:
            return []
        out = [v]
        for n, i in self.more:
            if n == name:
                out.append(_unfolded(self.data[i >> 13 : i & 0x1FFF].strip()))
        return out

    def all(self, name):
        """The values of a header that is a comma list, over all its lines, in order."""
        if not self.more:
            v = self.get(name)
            if not v:
                return []
            if b"," not in v:
                return [v]
        out = []
        for line in self.lines(name):
            for v in split(line):
                if v:
                    out.append(v)
        return out

    def content_type(self):
        """The media type of the body in lower case without parameters, b"" when there is no body
        type.
        """
        v = self.get("content-type") or b""
        i = v.find(b";")
        return (v if i < 0 else v[:i]).strip().lower()


def _unfolded(v):
    # RFC 3261 7.3.1: a folded line is unfolded to a single SP
    return b" ".join([s.strip() for s in v.split(b"\r\n")]) if b"\r\n" in v else v


def _start_line(m, line):
    # RFC 3261 7.1, 7.2. Exactly one SP between the parts; the version is compared without case.
    if line[:4] == b"SIP/" or line[:4].upper() == b"SIP/":
        code = line[8:11]
        if (
            line[:8].upper() != b"SIP/2.0 "
            or len(code) != 3
            or not code.isdigit()
            or line[11:12] not in b" "
        ):
            raise ProtocolError(0, "bad status line")
        m.status = int(code)
        if not 100 <= m.status <= 699:
            raise ProtocolError(0, "bad status code")
        m.reason = line[12:]
        return
    p = line.split(b" ")
    if p[0].isalpha() or is_token(p[0]):
        m.method = p[0]
    if len(p) != 3 or not m.method or not p[1]:
        raise ProtocolError(400, "bad request line")
    m.uri = uri = p[1]
    if p[2] != b"SIP/2.0":
        v = p[2].upper()
        if v != b"SIP/2.0":
            raise ProtocolError(505 if v[:4] == b"SIP/" else 400, "bad version")
    if uri[0] == 60 or b"\t" in uri:
        raise ProtocolError(400, "bad Request-URI")


def _name(raw):
    # A header name that is not spelled as in _KNOWN; None: it is none.
    name = raw.rstrip(b" \t")
    if not is_token(name):
        return None
    low = name.lower()
    known = _KNOWN.get(low if len(low) == 1 else name) or str(low, "utf-8")
    if len(_KNOWN) < limits.NAMES_KEPT:
        _KNOWN[raw] = known
    return known


def head(data):
    """Parse start line and header lines: (Message, offset of the body). Raises ProtocolError, whose
    `message` is what could be read, so that a 400 can be sent.
    """
    if len(data) > limits.MESSAGE_MAX:
        raise ProtocolError(513, "message too large")
    at = 0
    while data[at : at + 2] == b"\r\n":  # 7.5: CRLFs before the start line are ignored
        at += 2
    find = data.find
    fault = None
    start = at
    m = Message(data)
    i = find(b"\n", at)
    try:
        _start_line(m, data[at:i].rstrip(b"\r"))
    except ProtocolError as e:
        if not m.method and not m.status:
            raise  # not SIP: there is nothing to answer
        fault = e
    known = _KNOWN.get
    names = m.names
    more = last = None
    for n in range(1, limits.HEADERS_MAX + 2):  # noqa: B007
        at = i + 1
        if data[i - 1] != 13:
            break  # a bare LF
        j = find(b":", at)
        name = known(data[at:j])
        if name:
            i = find(b"\n", j)
        else:
            i = find(b"\n", at)
            if i <= at + 1:
                break  # the empty line, or none
            if last and data[at] in b" \t":  # 7.3.1: the line before goes on
                m.folded = True
                if last is more:
                    more[-1] = more[-1][0], more[-1][1] & ~0x1FFF | i
                else:
                    names[last] = names[last] & ~0x1FFF | i
                continue
            name = _name(data[at:j]) if at < j < i else None
            if not name:
                fault = ProtocolError(400, "bad header line")
                last = None
                continue
        if name in names:
            if not more:
                more = m.more = []
            more.append((name, j + 1 << 13 | i & 0x1FFF))
            last = more
        else:
            names[name] = j + 1 << 13 | i & 0x1FFF
            last = name
    else:
        fault = ProtocolError(513, "too many header lines")
    if not fault:
        if i != at + 1 or data[at] != 13:
            fault = ProtocolError(400, "no end of header, or a bare LF")
        elif data.count(b"\r", start, at) != n:
            # A lone CR or LF is how one element is made to see a header that another does not.
            fault = ProtocolError(400, "bare CR")
    if fault:
        fault.message = m
        raise fault
    return m, at + 2


def length(m):
    """The Content-Length of `m`, None when it has none. One digit string, one header line,
    capped.
    """
    v = m.get("content-length")
    if v is None:
        return None
    if m.more and len(m.lines("content-length")) > 1:
        raise ProtocolError(400, "two Content-Length")
    return number(v, limits.NUMBER_MAX)


def parse(data):
    """The message in the datagram `data` (bytes); raises ProtocolError with `message` where a part
    could be read.

    RFC 3261 18.3: octets beyond Content-Length are ignored, fewer are an error; without it the body
    is the rest."""
    m, at = head(data)
    try:
        m.length = n = length(m)
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
    i = value.rfind(b">") + 1
    tag = value[i + 5 :]
    if value[i : i + 5] == b";tag=" and b";" not in tag and b'"' not in tag:
        return tag.strip()
    i = value.find(b";", i)
    return b"" if i < 0 else param(value[i:], b"tag") or b""


_ONCE = ("from", "to", "call-id", "cseq", "max-forwards")


def check(m):
    """What every element needs of a message (8.1.1, 8.2): the fields that identify it, each once
    and well-formed.
    """
    fault = None
    # As much as can be read is read before an error is raised: the answer needs it.
    for name, _ in m.more:
        if name in _ONCE:
            fault = ProtocolError(400, "doubled " + name)
    get = m.get
    try:
        vias = get("via")
        if vias is None:
            raise ProtocolError(400, "no Via")
        if b"," in vias:
            vias = split(vias)[0]
        _, host, port, m.via_params = via(vias)
        m.sent_by = (host, port)
        m.branch = param(m.via_params, b"branch") or b""
    except ProtocolError as e:
        fault = e
    m.call_id = get("call-id") or b""
    if not m.call_id:
        fault = fault or ProtocolError(400, "no Call-ID")
    v = get("from")
    w = get("to")
    if v is None or w is None:
        fault = ProtocolError(400, "no From or To")
    m.from_tag = _tag(v or b"")
    m.to_tag = _tag(w or b"")
    p = (get("cseq") or b"").split(None, 1)
    try:
        if len(p) != 2 or p[1] != m.method and not is_token(p[1]):
            raise ProtocolError(400, "bad CSeq")
        m.cseq_method = p[1]
        m.cseq = number(p[0], limits.CSEQ_MAX)
    except ProtocolError as e:
        fault = e
    if not fault and m.method and m.method != m.cseq_method:
        fault = ProtocolError(400, "CSeq method is not the request's")
    if fault:
        raise fault


class Writer:
    """Builds one message. One that does not fit raises UsageError, nothing is cut."""

    def __init__(self, most=limits.SEND_MAX):
        self.most = most
        self._parts = []

    def request(self, method, uri):
        """Begin a request."""
        self._parts = [b"%s %s SIP/2.0\r\n" % (method, uri)]

    def status(self, code, reason):
        """Begin a response."""
        self._parts = [b"SIP/2.0 %d %s\r\n" % (code, reason)]

    def line(self, name, value, more=b""):
        """Append the header line `name: value more`; all bytes."""
        self._parts += (name, b": ", value, more, b"\r\n")

    def done(self, ctype=b"", body=b""):
        """Append the body and return the message as bytes."""
        if body:
            self.line(b"Content-Type", ctype)
        parts = self._parts
        self._parts = ()  # nothing is kept
        n = len(parts) // 5 + 3
        parts.append(b"Content-Length: %d\r\n\r\n" % len(body))
        parts.append(body)
        data = b"".join(parts)
        if len(data) > self.most:
            raise UsageError("message does not fit")
        # A CR or LF in a value would be header injection.
        end = len(data) - len(body)
        if data.count(b"\n", 0, end) != n or data.count(b"\r", 0, end) != n:
            raise UsageError("line end in header value")
        return data
