# usip tests: in order, and to be refused for what it means (RFC 4475 3.2 to 3.4, whose names these
# have)
# MIT licence; Copyright (c) 2026 the usip authors

from sip import SDP, request

_CONTACT = (b"Contact", b"<sip:x@192.0.2.9>")
_ME = b"sip:door@house.example"


def _register(contact, n):
    return request(
        b"REGISTER",
        uri=b"sip:house.example",
        you=_ME,
        me=_ME + b";tag=8%d" % n,
        cseq=n,
        call_id=b"reg.%d" % n,
        more=(b"Contact", contact),
    )


badbranch = request(via=b"SIP/2.0/UDP 192.0.2.9;branch=z9hG4bK")
insuf = (
    b"INVITE sip:door@192.0.2.1 SIP/2.0\r\nCSeq: 193942 INVITE\r\n"
    b"Via: SIP/2.0/UDP 192.0.2.9;branch=z9hG4bKkdj.less\r\n"
    b"Content-Type: application/sdp\r\nl: %d\r\n\r\n" % len(SDP) + SDP
)
unkscm = request(uri=b"noteverheardof:opaque-to-all")
novelsc = request(uri=b"soap.beep://192.0.2.103:3002")
unksm2 = request(
    b"REGISTER",
    uri=b"sip:house.example",
    you=b"isbn:2983792873",
    me=b"<http://www.street.example>;tag=3234233",
    more=(b"Contact", b"<name:John_Smith>"),
)
bext01 = request(
    more=(
        b"Require",
        b"nothingSupportsThis, nothingSupportsThisEither",
        b"Proxy-Require",
        b"norDoesAProxy, norAnother",
    )
)
invut = request(
    b"INVITE", ctype=b"application/strangeformat", body=b"<Nobody can read this>", more=_CONTACT
)
regaut01 = request(
    b"REGISTER",
    uri=b"sip:house.example",
    more=(b"Authorization", b"StrangeScheme opaque-data=here"),
)
multi01 = (
    b"INVITE sip:door@192.0.2.1 SIP/2.0\r\nContact: <sip:x@192.0.2.9>\r\n"
    b"Via: SIP/2.0/UDP 192.0.2.9;branch=z9hG4bKmany\r\nMax-Forwards: 70\r\nCSeq: 5 INVITE\r\n"
    b"Call-ID: many.1\r\nCSeq: 59 INVITE\r\nCall-ID: many.2\r\nFrom: sip:x@192.0.2.9;tag=34\r\n"
    b"To: sip:door@house.example\r\nTo: sip:other@house.example\r\nFrom: sip:y@192.0.2.9;tag=29\r\n"
    b"Content-Type: application/sdp\r\nl: %d\r\nContact: <sip:y@192.0.2.9>\r\n"
    b"Max-Forwards: 5\r\n\r\n" % len(SDP) + SDP
)
mcl01 = request(body=b"There is no telling how much of this belongs to it").replace(
    b"Content-Length: 50", b"Content-Length: 13\r\nContent-Length: 5"
)
bcast = (
    b"SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP 192.0.2.198;branch=z9hG4bK1324923\r\n"
    b"Via: SIP/2.0/UDP 255.255.255.255;branch=z9hG4bK1saber23\r\nCall-ID: wide.1\r\n"
    b"CSeq: 35 INVITE\r\nFrom: sip:x@192.0.2.9;tag=11141343\r\nTo: sip:y@192.0.2.9;tag=2229\r\n"
    b"Content-Length: %d\r\nContent-Type: application/sdp\r\nContact: <sip:y@192.0.2.198>\r\n\r\n"
    % len(SDP)
    + SDP
)
zeromf = request().replace(b"Forwards: 70", b"Forwards: 0")
cparam01 = _register(b"sip:+19725552222@192.0.2.9;strange", 2)
cparam02 = _register(b"<sip:+19725552222@192.0.2.9;strange>", 3)
regescrt = _register(b"<sip:door@192.0.2.9?Route=%3Csip:way.example%3E>", 4)
sdp01 = request(b"INVITE", body=SDP, more=_CONTACT + (b"Accept", b"text/nobodyKnowsThis"))
inv2543 = (
    b"INVITE sip:door@192.0.2.1 SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.9\r\n"
    b"From: <sip:+15@192.0.2.9;user=phone>\r\nRecord-Route: <sip:192.0.2.9>\r\n"
    b"To: sip:door@house.example\r\nCall-ID: old.1717@ift.example\r\nCSeq: 56 INVITE\r\n"
    b"Content-Type: application/sdp\r\n\r\n" + SDP
)
