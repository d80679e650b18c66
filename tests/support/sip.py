# usip tests: SIP messages written by hand
# MIT licence; Copyright (c) 2026 the usip authors

from usip.errors import ProtocolError

SDP = (
    b"v=0\r\no=x 1 1 IN IP4 192.0.2.9\r\ns=-\r\nc=IN IP4 192.0.2.9\r\nt=0 0\r\n"
    b"m=audio 6000 RTP/AVP 8 0 101\r\na=rtpmap:101 telephone-event/8000\r\n"
)
# No codec that we speak
SDP_OTHER = SDP.replace(b"8 0 101", b"18")


def status(f, *args):
    """The status of the ProtocolError that f(*args) raises, None when it raises none."""
    try:
        f(*args)
    except ProtocolError as e:
        return e.status
    return None


def lines_of(more, ctype, body):
    """The end of a message: `more` is name, value, name, value, ..."""
    out = []
    for i in range(0, len(more), 2):
        out.append(more[i] + b": " + more[i + 1])
    if body:
        out.append(b"Content-Type: " + ctype)
    out.append(b"Content-Length: %d" % len(body))
    return b"\r\n".join(out) + b"\r\n\r\n" + body


def request(
    method=b"OPTIONS",
    uri=b"sip:door@192.0.2.1",
    via=b"SIP/2.0/UDP 192.0.2.9:5060;branch=z9hG4bK1",
    me=b"<sip:x@192.0.2.9>;tag=peer",
    you=b"<sip:door@192.0.2.1>",
    call_id=b"call-1",
    cseq=1,
    more=(),
    ctype=b"application/sdp",
    body=b"",
):
    """A request as bytes."""
    head = b"%s %s SIP/2.0\r\nVia: %s\r\nFrom: %s\r\nTo: %s\r\nCall-ID: %s\r\nCSeq: %d %s\r\n" % (
        method,
        uri,
        via,
        me,
        you,
        call_id,
        cseq,
        method,
    )
    return head + lines_of((b"Max-Forwards", b"70") + tuple(more), ctype, body)


def response(m, code, tag=b"", more=(), ctype=b"application/sdp", body=b""):
    """The response of a peer to the Message `m` as bytes."""
    out = b"SIP/2.0 %d X\r\n" % code
    for v in m.lines("via"):
        out += b"Via: " + v + b"\r\n"
    for v in m.lines("record-route"):
        out += b"Record-Route: " + v + b"\r\n"
    to = m.get("to")
    if tag and not m.to_tag:
        to += b";tag=" + tag
    out += b"From: %s\r\nTo: %s\r\nCall-ID: %s\r\nCSeq: %s\r\n" % (
        m.get("from"),
        to,
        m.get("call-id"),
        m.get("cseq"),
    )
    return out + lines_of(more, ctype, body)
