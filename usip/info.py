# usip: digits by INFO (RFC 6086's legacy use: application/dtmf-relay, application/dtmf)
# MIT licence; Copyright (c) 2026 the usip authors

from .errors import ProtocolError, UsageError
from .header import number
from .request import Request

DIGITS = b"0123456789*#ABCD"
DURATION = 160  # ms; what dtmf-relay senders write when they do not measure
# Cisco's form numbers the last ones
_NUMBERED = {b"10": b"*", b"11": b"#", b"12": b"A", b"13": b"B", b"14": b"C", b"15": b"D"}


def parse(ctype, body):
    """(digit, duration in ms) of an INFO body. Raises ProtocolError(400) when it holds no digit."""
    digit = b""
    ms = DURATION
    for line in body.replace(b"\r", b"\n").split(b"\n"):
        i = line.find(b"=")
        key = line[:i].strip().lower() if i > 0 else b""
        value = line[i + 1 :].strip()
        if key == b"signal" or (i < 0 and not digit and value):
            digit = _NUMBERED.get(value, value.upper())
        elif key == b"duration":
            try:
                ms = number(value, 60_000)
            except ProtocolError:
                pass
    if len(digit) != 1 or digit not in DIGITS:
        raise ProtocolError(400, "no digit")
    return digit, ms


def received(call, tx, m, now):
    """An INFO came within `call`."""
    agent = call.agent
    ctype = m.content_type()
    if not m.body:
        agent.answer(tx, 200, now)  # RFC 2976 2.2: a keep-alive
        return
    if ctype not in (b"application/dtmf-relay", b"application/dtmf"):
        agent.answer(tx, 415, now, (b"Accept", b"application/dtmf-relay, application/dtmf"))
        return
    digit, ms = parse(ctype, m.body)
    agent.answer(tx, 200, now)
    # A digit counts in an established call only: not before the ACK, not after the BYE.
    if call.state == b"E":
        agent.listener("dtmf", call, (digit, ms, "info"))


def send(call, digit, now, ms=DURATION):
    """Send one digit by INFO."""
    if len(digit) != 1 or digit not in DIGITS:
        raise UsageError("not a digit")
    if call.state == b"E":
        body = b"Signal=%s\r\nDuration=%d\r\n" % (digit, ms)
        Request(call.agent, call.dialog, b"INFO", call, (), b"application/dtmf-relay", body).send(
            now
        )
