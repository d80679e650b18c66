# usip tests: in order, however odd (RFC 4475 3.1.1, whose names these have)
# MIT licence; Copyright (c) 2026 the usip authors

from sip import SDP, request

_N = len(SDP)
_CONTACT = (b"Contact", b"<sip:x@192.0.2.9>")

wsinv = (
    b"INVITE sip:door@house.example;flag SIP/2.0\r\n"
    b"TO :\r\n sip:door@house.example ;  tag   = gone4711\r\n"
    b'fROM   : "Postman \\\\\\""       <sip:post@street.example>\r\n  ;\r\n  tag = p98\r\n'
    b"mAx-FoRwArDs: 0068\r\nCall-ID: spaces.1@192.0.2.9\r\nContent-Length   : %d\r\n"
    b"cseq: 0009\r\n  INVITE\r\nVia  : SIP  /   2.0\r\n /UDP\r\n    192.0.2.9;branch=390sk\r\n"
    b"s :\r\nBrandNew:   a value\r\n that goes on\r\nStrange: ;;,,;;,;\r\n"
    b"Content-Type: application/sdp\r\nRoute:\r\n <sip:way.example;lr;odd=v;no-v>\r\n"
    b"v:  SIP  / 2.0  / TCP     loom.example   ;\r\n  branch  =   z9hG4bK9i  ,\r\n"
    b" SIP  /    2.0   / UDP  192.168.255.111   ; branch=\r\n z9hG4bK30\r\n"
    b'm:"A \\"quoted\\" one" <sip:post@192.0.2.9;odd=v ; x>\r\n  ;   newer  ;\r\n q = 0.33\r\n\r\n'
) % _N + SDP
intmeth = (
    b"!odd-Method0123456789_*+`.%right'~ sip:1_odd.U~(to-be!sure)&isn't+it$/mad?,/;;*:&it+has=1,"
    b"strange!*pas$wo~d_too.(isn't-it)@house.example SIP/2.0\r\n"
    b"Via: SIP/2.0/UDP 192.0.2.9;branch=z9hG4bK-.!%66*_+`'~\r\n"
    b'To: "BEL:\\\x07 NUL:\\\x00 DEL:\\\x7f" <sip:1_odd.U~(to-be!sure)&isn\'t+it$/mad?,/;;*@house>'
    b"\r\nFrom: token1~` token2'+_ token3*%!.- <sip:plain@street.example>"
    b";param''~+*_!.-%=\"\xd1\x80\xd0\xb0\xd0\xb1\";tag=_token~1'+`*%!-.\r\n"
    b"Call-ID: odd.word%ZK-!.*_+'@word`~)(><:\\/\"][?}{\r\n"
    b"CSeq: 139122385 !odd-Method0123456789_*+`.%right'~\r\nMax-Forwards: 255\r\n"
    b"extension-!.%*+_`'~:\xef\xbb\xbf\xe5\xa4\xa7\xe5\x81\x9c\xe9\x9b\xbb\r\n"
    b"Content-Length: 0\r\n\r\n"
)
esc01 = request(
    b"INVITE",
    uri=b"sip:sips%3Adoor%40house.example@street.example",
    you=b"sip:%64oo%72@house.example",
    me=b"<sip:With%20some%20spaces@street.example>;tag=938",
    more=(b"Contact", b"\r\n  <sip:cal%6Cer@192.0.2.9;%6C%72;n%61me=v%61lue%25%34%31>"),
    body=SDP,
)
escnull = request(
    b"REGISTER",
    uri=b"sip:house.example",
    you=b"sip:zero-%00-zero@house.example",
    me=b"sip:zero-%00-zero@house.example;tag=8399",
    more=(b"Contact", b"<sip:%00@192.0.2.9>", b"Contact", b"<sip:%00%00@192.0.2.9>"),
)
esc02 = request(
    b"RE%47IST%45R",
    uri=b"sip:house.example",
    you=b'"%Z%45" <sip:door@house.example>',
    me=b'"%Z%45" <sip:door@house.example>;tag=f232',
    call_id=b"percent.%41%Z",
    more=(
        b"Contact",
        b"<sip:alias1@192.0.2.9>",
        b"C%6Fntact",
        b"<sip:alias2@192.0.2.9>",
        b"Contact",
        b"<sip:alias3@192.0.2.9>",
    ),
)
lwsdisp = request(you=b"sip:door@house.example", me=b"postman<sip:post@street.example>;tag=323")
longreq = request(
    b"INVITE",
    uri=b"sip:door@house.example",
    you=b'"My name is '
    + b"long " * 24
    + b'"<sip:door@house.example:5060;very%s=%s>' % (b"long" * 9, b"value" * 8),
    me=b"sip:%s@street.example;tag=12%sLong;param%s=x" % (b"ami" * 32, b"very" * 16, b"y" * 160),
    call_id=b"long.a%scall-identifier" % (b"really" * 20),
    via=b"SIP/2.0/UDP 192.0.2.9:5060;branch=z9hG4bK%s\r\nVia: " % (b"deep" * 40)
    + b"\r\nVia: ".join(
        [b"SIP/2.0/TCP hop%d.example;branch=z9hG4bKs%d" % (i, i) for i in range(32)]
    ),
    more=(
        b"Unknown-%sName" % (b"Long" * 12),
        b"unknown-%svalue" % (b"long" * 24) + b"; unknown-%s=z" % (b"p" * 90),
        b"Contact",
        b"<sip:%s@192.0.2.9>" % (b"amily" * 30),
    ),
    body=SDP,
)
dblreq = request(
    b"REGISTER",
    uri=b"sip:house.example",
    you=b"sip:post@house.example",
    me=b"sip:post@house.example;tag=43251j",
    more=(b"Contact", b"sip:post@192.0.2.9"),
) + request(b"INVITE", call_id=b"behind.1", more=_CONTACT, body=SDP)
semiuri = request(
    uri=b"sip:door;par=u%40street.example@house.example", you=b"sip:door@house.example"
)
transports = request(
    via=b"SIP/2.0/UDP 192.0.2.9;branch=z9hG4bKt1\r\nVia: SIP/2.0/SCTP two.example;branch=z9hG4bKt2"
    b"\r\nVia: SIP/2.0/TLS three.example;branch=z9hG4bKt3\r\n"
    b"Via: SIP/2.0/UNKNOWN four.example;branch=z9hG4bKt4\r\n"
    b"Via: SIP/2.0/TCP five.example;branch=z9hG4bKt5"
)
mpart01 = request(
    b"MESSAGE",
    ctype=b"multipart/signed; micalg=sha1; boundary=edge; protocol=application/pkcs7-signature",
    body=b"--edge\r\nContent-Type: text/plain\r\nContent-Transfer-Encoding: binary\r\n\r\nHi\r\n"
    b"--edge\r\nContent-Type: application/octet-stream\r\n\r\n0\x82\x01\x00\r\x0b\n\x13\rSIP/2.0 \n"
    b"\x00\x7f\r\xff\x80\n\r\x02\r\n--edge--\r\n",
)
unreason = (
    b"SIP/2.0 200 = 2**3 * 5**2 \xd0\xbd\xd0\xbe \xd1\x81\xd1\x82\xd0\xbe\r\n"
    b"Via: SIP/2.0/UDP 192.0.2.198;branch=z9hG4bK1324923\r\nCall-ID: reason.1\r\n"
    b"CSeq: 35 INVITE\r\n"
    b"From: sip:post@street.example;tag=11141343\r\nTo: sip:door@house.example;tag=2229\r\n"
    b"Content-Length: %d\r\nContent-Type: application/sdp\r\nContact: <sip:x@192.0.2.198>\r\n\r\n"
) % _N + SDP
noreason = (
    b"SIP/2.0 100 \r\nVia: SIP/2.0/UDP 192.0.2.105;branch=z9hG4bK2398ndaoe\r\nCall-ID: reason.2\r\n"
    b"CSeq: 35 INVITE\r\nFrom: <sip:post@street.example>;tag=39ansfi3\r\n"
    b"To: <sip:door@house.example>;tag=902jndnke3\r\nContent-Length: 0\r\n"
    b"Contact: <sip:x@192.0.2.105>\r\n\r\n"
)
