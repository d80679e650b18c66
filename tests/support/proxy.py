# usip tests: a stateless proxy that records its route (RFC 3261 16.11), on the fake network
# MIT licence; Copyright (c) 2026 the usip authors


def _address(text):
    """(host, port) of `host:port` with whatever parameters."""
    host, _, port = text.split(b";")[0].partition(b":")
    return host.strip(), int(port or 5060)


def _uri(value):
    """(host, port) of a name-addr or URI."""
    i = value.find(b"<")
    if i >= 0:
        value = value[i + 1 : value.find(b">", i)]
    value = value[value.find(b":") + 1 :]
    return _address(value[value.find(b"@") + 1 :])


class Proxy:
    """As the agent of a host: it passes on what it gets and remembers nothing."""

    def __init__(self, host):
        self.host = host
        host.agent = self
        self.name = b"%s:%d" % host.addr

    def poll(self, now):
        return None

    def receive(self, data, flow, now):
        head, _, body = data.partition(b"\r\n\r\n")
        lines = head.split(b"\r\n")
        send = self._response if data[:8] == b"SIP/2.0 " else self._request
        to = send(lines)
        if to:
            self.host.flow(*to).send(b"\r\n".join(lines) + b"\r\n\r\n" + body)

    def _request(self, lines):
        method, uri, _ = lines[0].split(b" ")
        to = _uri(uri)
        ours = b"<sip:" + self.name + b";lr>"
        routes = [x for x in lines if x[:7] == b"Route: "]
        if routes and routes[0][7:] == ours:
            lines.remove(routes.pop(0))
        if routes:
            to = _uri(routes[0][7:])
        for i, line in enumerate(lines):
            if line[:14] == b"Max-Forwards: ":
                n = int(line[14:])
                if not n:
                    return None
                lines[i] = b"Max-Forwards: %d" % (n - 1)
        via = [x for x in lines if x[:5] == b"Via: "][0]
        branch = via[via.find(b";branch=z9hG4bK") + 15 :].split(b";")[0]
        # The same for a request, its ACK and its CANCEL: no more than that is wanted of it.
        mine = [b"Via: SIP/2.0/UDP " + self.name + b";branch=z9hG4bKp" + branch]
        if method == b"INVITE":
            mine.append(b"Record-Route: " + ours)
        lines[1:1] = mine
        return to

    def _response(self, lines):
        vias = [x for x in lines if x[:5] == b"Via: "]
        if len(vias) < 2:
            return None
        lines.remove(vias[0])
        return _address(vias[1][5:].split(b" ", 1)[1])
