# usip: anomalies through a whole phone, sockets and sound included: no fault is told, no socket and
# no sound buffer is kept
# MIT licence; Copyright (c) 2026 the usip authors

import asyncio

from anomalies import mutants
from phonenet import Lan, Net, phone, run
from sip import SDP, request, response
from usip import limits
from usip.message import parse

HEAPS = 2  # what makes the anomalies
STEP = 17 if limits.NAMES_KEPT else 397  # a board has other things to do
CONTACT = (b"Contact", b"<sip:x@192.0.2.9>")
TEXT = b"text/plain"
RELAY = b"application/dtmf-relay"


class Far:
    """The other end: a port of SIP, and what came to it."""

    ip = b"192.0.2.9"

    def __init__(self, lan):
        self.endpoint = Net(lan, self.ip).udp(None, 5060)
        self.lan = lan
        self.faults = []
        self.sent = []
        self.n = 0
        lan.drop = self.seen

    def hear(self, event, subject, detail):
        if event == "error" and detail != "re-INVITE refused":
            self.faults.append(detail)

    def seen(self, source, address, data):
        if source[0] == self.ip:
            return False
        if source[1] == 5060:
            self.sent.append(data)
        return True

    async def send(self, data):
        """To the phone, which has its turn."""
        if 0 < len(data) < limits.DATAGRAM_MAX:
            self.endpoint.sendto(data, (b"192.0.2.1", 5060))
        for _ in range(8):
            await asyncio.sleep(0)

    def last(self, start):
        for data in self.sent:
            if data[: len(start)] == start:
                return parse(data)

    def fresh(self, method, body=b"", ctype=b"application/sdp", **how):
        self.n += 1
        how.setdefault("call_id", b"call-%d" % self.n)
        via = b"SIP/2.0/UDP 192.0.2.9:5060;branch=z9hG4bKn%d" % self.n
        return request(method, via=via, body=body, ctype=ctype, more=CONTACT, **how)

    def within(self, p, method, body=b"", ctype=b"application/sdp", cseq=None):
        d = p.calls.active()[0].dialog
        return self.fresh(
            method,
            body,
            ctype,
            me=b"<sip:x@192.0.2.9>;tag=" + d.remote_tag,
            you=b"<sip:door@192.0.2.1>;tag=" + d.local_tag,
            call_id=d.call_id,
            cseq=d.remote_cseq + 1 if cseq is None else cseq,
        )

    async def invited(self, p, data=None):
        """The peer calls, and the phone takes it if it rings."""
        await self.send(self.fresh(b"INVITE", SDP) if data is None else data)
        if p.calls.active():
            p.calls.active()[0].data.answer()
            await self.send(self.within(p, b"ACK", cseq=1))

    async def over(self, p):
        """Whatever there is, it ends."""
        for core in p.calls.active():
            core.abandon(0)
        p.agent.dialogs.clear()
        p.agent.transactions.clear()
        p._texts.items.clear()
        p._incoming.items.clear()
        self.sent.clear()
        await self.send(b"")


async def _invite(far, p):
    return far.fresh(b"INVITE", SDP)


def _within(method, body, ctype=b"application/sdp"):
    async def f(far, p):
        await far.invited(p)
        return far.within(p, method, body, ctype)

    return f


async def _message(far, p):
    return far.fresh(b"MESSAGE", b"h\xc3\xa4llo", TEXT)


def _answer(code, body):
    async def f(far, p):
        await p.call(b"sip:x@192.0.2.9")
        await far.send(b"")
        return response(far.last(b"INVITE"), code, b"t", CONTACT, body=body)

    return f


SITUATIONS = (
    _invite,
    _within(b"INVITE", SDP),
    _within(b"INFO", b"Signal=5\r\nDuration=160\r\n", RELAY),
    _message,
    _answer(183, SDP),
    _answer(200, SDP),
)


async def _all(first):
    lan = Lan()
    far = Far(lan)
    how = {"listener": far.hear, "allow": "192.0.2.9"}  # no stranger, of whom less is taken
    p = await phone(lan, b"192.0.2.1", b"sip:door@192.0.2.1", **how)
    cases = 0
    for k, prepare in enumerate(SITUATIONS):
        valid = await prepare(far, p)
        await far.over(p)
        for n, data in enumerate(mutants(valid)):
            if not data or n % STEP != first:
                continue
            now = await prepare(far, p)
            if prepare is _invite:
                await far.invited(p, data)
            else:
                # What makes it belong to the call at hand
                for name in ("via", "from", "to", "call-id"):
                    a, b = parse(valid).get(name), parse(now).get(name)
                    data = data.replace(a, b)
                await far.send(data)
            await far.over(p)
            assert not far.faults, (k, n, data, far.faults)
            assert not lan.open() and len(p.pumps) <= limits.CALLS, (k, n, data)
            cases += 1
    # and it takes the next call
    await far.invited(p)
    assert p.calls.active()[0].state == b"E" and lan.open() == 1
    await far.over(p)
    await p.close()
    print(cases, "anomalies")
    assert cases > 30


def test_anomalies():
    run(_all, 5)
