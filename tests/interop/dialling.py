"""How the tests with SIPp start a phone, and what several of them look at."""

import socket

import rig as rigs


def dial(rig, runtime, sipp, *args, first=(), uri=None, **more):
    """A phone that calls SIPp."""
    return rig.phone(runtime, *first, "call", uri or sipp.uri, *args, **more)


def door(rig, runtime, *args, **more):
    """A phone that waits for one call."""
    return rig.listener(runtime, "--calls", "1", *args, **more)


def account(sipp, password="door-secret"):
    """The phone's arguments for an account at SIPp."""
    return ("--account", f"sip:door@{sipp.ip}", "--password", password)


def ipv6():
    """Where a program is that speaks IPv6. The loopback has one such address, so ports differ."""
    try:
        with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as s:
            s.bind(("::1", 0))
    except OSError:
        rigs.missing("this machine has no IPv6 loopback")
    return {"ip": "::1", "port": rigs.addresses().port()}


# What a Record-Route says: a loose router leaves the Request-URI alone, a strict one (RFC 2543)
# finds itself in it, and the target behind the last Route (RFC 3261 12.2.1.1).
ROUTERS = {"loose": "lr;", "strict": ""}


def routed(m, kind):
    """That a request took hop 2 and then hop 1 of SIPp's Record-Route."""
    uri = m.start.split()[1]
    routes = [r.strip() for line in m.all("Route") for r in line.split(",")]
    host = uri.partition("@")[2] or uri.partition(":")[2]
    host = host.partition(":")[0]
    hops = [f"sip:{host}:5060;{ROUTERS[kind]}hop={n}" for n in (2, 1)]
    way = [*hops, f"sip:sipp@{host}:5060"]
    if kind == "loose":
        way.insert(0, way.pop())
    assert [uri, *routes] == [way[0], *(f"<{x}>" for x in way[1:])], m.text


def versions_rise(sipp):
    """Each SDP of ours has the version of the last one, or one more when it says something new."""
    last = None
    for m in sipp.received():
        if "m=audio" in m.body:
            version = int(m.body.split("o=")[1].split()[2])
            said = m.body.split("\n", 2)[2]
            if last and said != last[1]:
                assert version == last[0] + 1, m.text
            elif last:
                assert version == last[0], m.text
            last = (version, said)
