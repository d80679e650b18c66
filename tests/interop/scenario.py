"""SIPp's scenarios: tests/interop/sipp/NAME.xml, in which @name@ stands for a value of the test and
@NAME@ for one of the parts below, which are in nearly every message.

Scenarios are named after SIPp's side: in uac_call SIPp calls, in uas_call it is called.
"""

import re
from pathlib import Path

FOLDER = Path(__file__).resolve().parent / "sipp"

# What a message is made of: lines.
_VIA = """\
Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
Max-Forwards: 70
"""
_FROM = 'From: "SIPp" <sip:sipp@[local_ip]:[local_port]>;tag=[pid]-[call_number]\n'
_TO = "To: <sip:door@[remote_ip]:[remote_port]>"
PARTS = {
    # the first request of a dialog, and one without a dialog, from Via to Call-ID
    "REQUEST": f"{_VIA}{_FROM}{_TO}\nCall-ID: [call_id]",
    # a later one of the caller, once a 2xx was received with rrs="true"; [next_url] is its URI
    "DIALOG": f"{_VIA}[routes]\n{_FROM}{_TO}[peer_tag_param]\nCall-ID: [call_id]",
    # one of the callee, once the INVITE was received as INVITED; [$target] is its URI
    "BACKWARD": f"{_VIA}From: [$to];tag=[pid]-[call_number]\nTo: [$from]\nCall-ID: [call_id]",
    # a response to the last request, from Via to CSeq: with SIPp's tag, and without
    "RESPONSE": "[last_Via:]\n[last_From:]\n[last_To:];tag=[pid]-[call_number]\n"
    "[last_Call-ID:]\n[last_CSeq:]",
    "ECHO": "[last_Via:]\n[last_From:]\n[last_To:]\n[last_Call-ID:]\n[last_CSeq:]",
    # a response to what was received as INVITED, after other requests came
    "LATE": "Via: [$via]\nFrom: [$from]\nTo: [$to];tag=[pid]-[call_number]\n"
    "Call-ID: [call_id]\nCSeq: [$cseq] INVITE",
    "CONTACT": "Contact: <sip:sipp@[local_ip]:[local_port]>",
    # @SDP2@ is the second description of the session, as @ACK2@ is CSeq: 2 ACK
    "SDP": """\
Content-Type: application/sdp
Content-Length: [len]

v=0
o=sipp 1 1 IN IP[media_ip_type] [media_ip]
s=-
c=IN IP[media_ip_type] [media_ip]
t=0 0
m=audio [media_port] RTP/AVP 8 0 101
a=rtpmap:8 PCMA/8000
a=rtpmap:0 PCMU/8000
a=rtpmap:101 telephone-event/8000
a=fmtp:101 0-15
a=ptime:20""",
}

_END = "Content-Length: 0\n\n  ]]></send>"
_HEADER = '<ereg regexp="%s" search_in="hdr" header="%s:" check_it="true" assign_to="%s"/>'
_REMEMBERED = ("sip:[^&gt;]+", "Contact", "target"), (".*", "Via", "via"), (".*", "From", "from")
_REMEMBERED += (".*", "To", "to"), ("[0-9]+", "CSeq", "cseq")

_SAME = PARTS["REQUEST"].replace("[branch]", "z9hG4bK-[pid]-[call_number]")

# What a scenario is made of: elements.
PARTS |= {
    "INVITE": """\
  <send retrans="500"><![CDATA[
INVITE sip:door@[remote_ip]:[remote_port] SIP/2.0
@REQUEST@
CSeq: 1 INVITE
@CONTACT@
@SDP@

  ]]></send>""",
    # an INVITE that can be cancelled or acknowledged when it failed: these have its branch
    "FIRST": f"""\
  <send retrans="500"><![CDATA[
INVITE sip:door@[remote_ip]:[remote_port] SIP/2.0
{_SAME}
CSeq: 1 INVITE
@CONTACT@
@SDP@

  ]]></send>""",
    "CANCEL": f"""\
  <send retrans="500"><![CDATA[
CANCEL sip:door@[remote_ip]:[remote_port] SIP/2.0
{_SAME}
CSeq: 1 CANCEL
{_END}""",
    "FAILED": f"""\
  <send><![CDATA[
ACK sip:door@[remote_ip]:[remote_port] SIP/2.0
{_SAME.replace(_TO, _TO + "[peer_tag_param]")}
CSeq: 1 ACK
{_END}""",
    "ACK": f"""\
  <send><![CDATA[
ACK [next_url] SIP/2.0
@DIALOG@
CSeq: 1 ACK
@CONTACT@
{_END}""",
    "BYE": f"""\
  <send retrans="500"><![CDATA[
BYE [next_url] SIP/2.0
@DIALOG@
CSeq: 2 BYE
@CONTACT@
{_END}""",
    # an INVITE of which everything is kept that an answer to it will need
    "INVITED": '  <recv request="INVITE">\n    <action>\n'
    + "".join(f"      {_HEADER % row}\n" for row in _REMEMBERED)
    + """\
    </action>
  </recv>
  <Reference variables="target,via,from,to,cseq"/>""",
    # a BYE of the phone that is answered only after other messages, and that answer
    "BYECAME": """\
  <recv request="BYE">
    <action>
      <ereg regexp=".*" search_in="hdr" header="Via:" check_it="true" assign_to="byevia"/>
      <ereg regexp=".*" search_in="hdr" header="From:" check_it="true" assign_to="byefrom"/>
      <ereg regexp=".*" search_in="hdr" header="To:" check_it="true" assign_to="byeto"/>
      <ereg regexp=".*" search_in="hdr" header="CSeq:" check_it="true" assign_to="byecseq"/>
    </action>
  </recv>""",
    "BYEOK": f"""\
  <send><![CDATA[
SIP/2.0 200 OK
Via: [$byevia]
From: [$byefrom]
To: [$byeto]
Call-ID: [call_id]
CSeq: [$byecseq]
{_END}""",
    # in <recv><action>: look at the digest; and what to do about it after that
    "VERIFY": '      <verifyauth assign_to="right" username="door" password="door-secret"/>',
    "RIGHT": f"""\
  <nop next="1" test="right"/>
  <send><![CDATA[
SIP/2.0 403 Wrong digest
@RESPONSE@
{_END}
  <nop><action><error message="wrong digest"/><exec int_cmd="stop_now"/></action></nop>
  <label id="1"/>""",
    # to where a REGISTER goes that came instead of the INVITE: asked for a digest, and taken
    "REGISTRAR": f"""\
  <nop next="end"/>
  <label id="registrar"/>
  <send><![CDATA[
SIP/2.0 401 Unauthorized
@RESPONSE@
WWW-Authenticate: Digest realm="rig.test", nonce="r1-[pid]"@qop@
{_END}
  <recv request="REGISTER" />
  <send><![CDATA[
SIP/2.0 200 OK
@RESPONSE@
[last_Contact:];expires=60
{_END}
  <recv request="REGISTER" />
  <send><![CDATA[
SIP/2.0 200 OK
@RESPONSE@
{_END}
  <label id="end"/>""",
    "TRYING": f"  <send><![CDATA[\nSIP/2.0 100 Trying\n@ECHO@\n{_END}",
    "RINGING": f"  <send><![CDATA[\nSIP/2.0 180 Ringing\n@RESPONSE@\n@CONTACT@\n{_END}",
    "ANSWER": """\
  <send retrans="500"><![CDATA[
SIP/2.0 200 OK
@RESPONSE@
@CONTACT@
@SDP@

  ]]></send>""",
    "OK": f"  <send><![CDATA[\nSIP/2.0 200 OK\n@ECHO@\n{_END}",
}


# ... and one that is not sent again, however long nothing comes
PARTS["ONCE"] = PARTS["FIRST"].replace(' retrans="500"', "")


def _part(found):
    name, version = found.groups()
    text = PARTS[name]
    if version:
        text = re.sub(r'(o=sipp 1 |CSeq: |next="|id=")\d', rf"\g<1>{version}", text)
    return expanded(text)


def expanded(text):
    """`text` with the parts in it."""
    return re.sub("@([A-Z]+)([2-9]?)@", _part, text)


def scenario(name, contact=None, linger=False, **values):
    """The text of a scenario. `contact` is where SIPp says that it is, when that is not true; with
    `linger` it stays after its last message, and sends that again when it is asked to, until a
    request with the method DONE comes.
    """
    text = expanded((FOLDER / f"{name}.xml").read_text())
    for key, value in values.items():
        assert f"@{key}@" in text, f"{name}.xml has no @{key}@"
        text = text.replace(f"@{key}@", str(value))
    rest = re.search(r"@[a-z]+@", text)
    assert not rest, f"{name}.xml: {rest} has no value"
    if contact:
        text = text.replace(PARTS["CONTACT"], f"Contact: <sip:sipp@{contact}:5060>")
    if linger:
        text = text.replace("</scenario>", '  <recv request="DONE" />\n</scenario>')
    return text
