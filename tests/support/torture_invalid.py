# usip tests: what is wrong, each in one way (RFC 4475 3.1.2, whose names these have)
# MIT licence; Copyright (c) 2026 the usip authors

from sip import SDP, request

_CONTACT = (b"Contact", b"<sip:x@192.0.2.9>")


def _invite(**how):
    how.setdefault("more", _CONTACT)
    return request(b"INVITE", body=SDP, **how)


def _swap(data, old, new):
    assert old in data
    return data.replace(old, new, 1)


_ANSWER = (
    b"SIP/2.0 %s\r\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKwzxgn\r\n"
    b"From: <sip:door@house.example>;tag=27\r\nTo: <sip:x@192.0.2.9>;tag=82\r\n"
    b"Call-ID: answer.1\r\nCSeq: %s INVITE\r\n%sContent-Length: 0\r\n\r\n"
)

badinv01 = _invite(
    via=b"SIP/2.0/UDP 192.0.2.9;;,;,,", more=(b"Contact", b'"Joe" <sip:joe@192.0.2.9>;;;;')
)
clerr = _swap(_invite(), b"Length: %d" % len(SDP), b"Length: 9999")
ncl = _swap(_invite(), b"Length: %d" % len(SDP), b"Length: -999")
scalar02 = request(
    b"REGISTER",
    uri=b"sip:house.example",
    cseq=36893488147419103232,
    more=(
        b"Expires",
        b"1000000000000000000000",
        b"Contact",
        b"<sip:x@192.0.2.9>;expires=280297596632815",
    ),
).replace(b"Forwards: 70", b"Forwards: 300")
scalarlg = _ANSWER % (
    b"503 Out of order",
    b"9292394834772304023312",
    b'Retry-After: 949302838503028349304023988\r\nWarning: 1812 way "In Progress"\r\n',
)
quotbal = _invite(you=b'"Mr. J. Visitor <sip:j.visitor@house.example>')
ltgtruri = _invite(uri=b"<sip:door@house.example>")
lwsruri = _invite(uri=b"sip:door@house.example; lr")
lwsstart = _swap(_invite(), b"INVITE sip:door@192.0.2.1 SIP", b"INVITE  sip:door@192.0.2.1  SIP")
trws = _swap(request(), b" SIP/2.0\r\n", b" SIP/2.0  \r\n")
escruri = _invite(uri=b"sip:door@192.0.2.1?Route=%3Csip:street.example%3E")
baddate = _invite(more=_CONTACT + (b"Date", b"Fri, 02 Jan 2026 16:00:00 CET"))
regbadct = request(
    b"REGISTER",
    uri=b"sip:house.example",
    you=b"sip:door@house.example",
    me=b"sip:door@house.example;tag=998332",
    more=(b"Contact", b"sip:door@house.example?Route=%3Csip:way.example%3E"),
)
badaspec = request(you=b'"Visitor, Thomas" < sip:t.visitor@house.example >')
# The display name alone; that the RFC's own file lacks its last line end is another fault.
baddn_terminated = request(
    me=b"Ringer, Alexander <sip:a.ringer@street.example>;tag=43",
    you=b"Visitor, Thomas <sip:t.visitor@house.example>",
)
badvers = _swap(request(), b" SIP/2.0\r\n", b" SIP/7.0\r\n")
mismatch01 = _swap(request(), b"CSeq: 1 OPTIONS", b"CSeq: 8 INVITE")
mismatch02 = _swap(request(b"NewMethod"), b"CSeq: 1 NewMethod", b"CSeq: 8 INVITE")
bigcode = _ANSWER % (b"4294967301 better not break the receiver", b"353494", b"")
