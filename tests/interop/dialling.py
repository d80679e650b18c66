"""How the tests with SIPp start a phone, and what several of them look at."""


def dial(rig, runtime, sipp, *args, first=(), uri=None, **more):
    """A phone that calls SIPp."""
    return rig.phone(runtime, *first, "call", uri or sipp.uri, *args, **more)


def door(rig, runtime, *args, **more):
    """A phone that waits for one call."""
    return rig.listener(runtime, "--calls", "1", *args, **more)


def account(sipp, password="door-secret"):
    """The phone's arguments for an account at SIPp."""
    return ("--account", f"sip:door@{sipp.ip}", "--password", password)


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
