"""What a person writes who needs SIP this afternoon: the yardstick of the ratios. It reads well
what is written well, and checks nothing: no folding, no lists, no quotes, no limits."""

COMPACT = {"v": "via", "f": "from", "t": "to", "i": "call-id", "m": "contact"}
COMPACT["l"] = "content-length"


def parse(data):
    text = data.decode()
    head, _, body = text.partition("\r\n\r\n")
    lines = head.split("\r\n")
    headers = {}
    for line in lines[1:]:
        name, _, value = line.partition(":")
        name = name.lower()
        headers.setdefault(COMPACT.get(name, name), []).append(value.strip())
    return lines[0], headers, body


def param(value, name):
    for part in value.split(";")[1:]:
        key, _, v = part.partition("=")
        if key == name:
            return v
    return ""


def fields(data):
    _, headers, _ = parse(data)
    number, method = headers["cseq"][0].split()
    uri = None
    if "contact" in headers:
        uri = headers["contact"][0].partition("<")[2].partition(">")[0]
    return (
        param(headers["via"][0], "branch"),
        param(headers["from"][0], "tag"),
        param(headers["to"][0], "tag"),
        headers["call-id"][0],
        (int(number), method),
        uri,
        int(headers["content-length"][0]),
    )


def sdp(host, port):
    lines = ["v=0", f"o=- 1 1 IN IP4 {host}", "s=-", f"c=IN IP4 {host}", "t=0 0"]
    lines += [f"m=audio {port} RTP/AVP 8 0 101", "a=rtpmap:8 PCMA/8000", "a=rtpmap:0 PCMU/8000"]
    lines += ["a=rtpmap:101 telephone-event/8000", "a=fmtp:101 0-15", "a=ptime:20", "a=sendrecv"]
    return "\r\n".join(lines) + "\r\n"


def build_200(headers, host, port, tag):
    out = ["SIP/2.0 200 OK"]
    out += ["Via: " + v for v in headers["via"]]
    out += ["Record-Route: " + v for v in headers.get("record-route", ())]
    out.append("From: " + headers["from"][0])
    out.append("To: " + headers["to"][0] + ";tag=" + tag)
    out.append("Call-ID: " + headers["call-id"][0])
    out.append("CSeq: " + headers["cseq"][0])
    out.append(f"Contact: <sip:620@{host}:5060>")
    out.append("Allow: INVITE, ACK, CANCEL, BYE, OPTIONS, INFO, MESSAGE, NOTIFY")
    body = sdp(host, port)
    out += ["Content-Type: application/sdp", f"Content-Length: {len(body)}", "", body]
    return "\r\n".join(out).encode()
