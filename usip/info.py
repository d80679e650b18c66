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
    # A digit counts in a confirmed dialog only (12.1.1): from our 2xx on, for the ACK may be lost,
    # and not after the BYE.
    if call.state in b"WE":
        agent.listener("dtmf", call, (digit, ms, "info"))


class _Sender:
    # One INFO at a time: a lost one that is repeated after the next has a CSeq that is out of
    # order, and its digit would be refused (RFC 3261 12.2.2).
    def __init__(self, call):
        self.call = call
        self.waiting = []
        self.request = None

    def next(self, now):
        call = self.call
        if not self.request and self.waiting and call.state == b"E":
            body = b"Signal=%s\r\nDuration=%d\r\n" % self.waiting.pop(0)
            try:
                self.request = Request(
                    call.agent, call.dialog, b"INFO", self, (), b"application/dtmf-relay", body
                )
                self.request.send(now)
            except MemoryError:
                self.request = None
                self.waiting = []  # never in the middle of other digits
                raise

    def response(self, request, m, status, now):
        if status < 200:
            return
        self.request = None
        if not m or status == 481:
            self.waiting = []  # no way to send it, or nobody there
            self.call.response(request, m, status, now)
        self.next(now)


def send(call, digit, now, ms=DURATION):
    """Send one digit by INFO, after those before it."""
    if len(digit) != 1 or digit not in DIGITS:
        raise UsageError("not a digit")
    if not call.info:
        call.info = _Sender(call)
    call.info.waiting.append((digit, ms))
    call.info.next(now)
