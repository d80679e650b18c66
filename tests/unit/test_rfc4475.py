# usip: RFC 4475's cases, in messages of our own, from a phone's socket to its socket
# MIT licence; Copyright (c) 2026 the usip authors
#
# tests/support/torture.py has what is expected, and the liberties that we take.

import asyncio
import sys

import torture
from phonenet import Lan, Net, phone, run
from sip import request
from usip import limits

HEAPS = 2  # beside the phone there are the messages
_PEER = (b"192.0.2.9", 5060)


class Sender:
    """Sends to a phone and keeps what it answers."""

    def __init__(self, lan):
        self.endpoint = Net(lan, _PEER[0]).udp(None, 5060)
        self.came = []
        self.n = 0
        lan.drop = self.seen

    def seen(self, source, address, data):
        if source == _PEER:
            return False
        self.came.append((address, data))
        return True

    async def answers(self, data):
        """What the phone sends because of `data`: it answers in order, so all that is before the
        answer to the next request."""
        self.n += 1
        name = b"after-%d" % self.n
        after = request(
            call_id=name, via=b"SIP/2.0/UDP 192.0.2.9:5060;branch=z9hG4bKafter%d" % self.n
        )
        for x in (data, after):
            self.endpoint.sendto(x, (b"192.0.2.1", 5060))
        while True:
            for i in range(len(self.came)):
                if b"Call-ID: " + name in self.came[i][1]:
                    del self.came[i:]
                    found = self.came
                    self.came = []
                    return found
            await asyncio.sleep(0)


async def _all(cases, module):
    lan = Lan()
    # What a host's program does, for the long one. A board keeps its 2 KB, and says nothing to it.
    kept = limits.DATAGRAM_MAX, limits.SEND_MAX
    limits.DATAGRAM_MAX = limits.SEND_MAX = 4096
    faults = []

    def hear(event, subject, detail):
        if event == "error":
            faults.append(detail)

    # It lists who sends all that: a stranger's twentieth in a second would not be looked at.
    how = {"listener": hear, "allow": "any, %s" % str(_PEER[0], "ascii")}
    a = await phone(lan, b"192.0.2.1", b"sip:door@192.0.2.1", **how)
    peer = Sender(lan)
    try:
        for row in cases:
            name, answer = row[0], row[1]
            found = await peer.answers(getattr(module, name.replace("-", "_")))
            assert not faults, (name, faults)
            if answer is None:
                assert not found, (name, found)
                continue
            assert len(found) == 1, (name, found)
            (address, data) = found[0]
            assert int(data[8:11]) == answer and address == _PEER, (name, answer, address, data)
            if len(row) > 2:
                assert row[2] in data, (name, data)
            if answer == 180:  # it rings: over with it
                a.calls.active()[0].abandon(0)
                a.agent.dialogs.clear()
            a.agent.transactions.clear()
            assert not a.calls.active(), name
    finally:
        await a.close()
        limits.DATAGRAM_MAX, limits.SEND_MAX = kept


def _module(name):
    module = __import__(name)
    del sys.modules[name]  # one of the three is enough for a board
    return module


def test_valid():
    module = _module("torture_valid")
    assert len(torture.VALID) == 13
    for name, answer in torture.VALID:
        assert torture.accepted(getattr(module, name)), name
        assert answer not in torture.OBJECTS
    run(_all, torture.VALID, module)


def test_invalid():
    module = _module("torture_invalid")
    assert len(torture.INVALID) == 19
    for name, layer, _, why in torture.INVALID:
        found = torture.layer(getattr(module, name.replace("-", "_")))
        assert found == layer, (name, layer, found)
        # A liberty is declared, and none that is declared is not taken.
        assert bool(why) == (not found), (name, why)
    run(_all, [(name, answer) for name, _, answer, _ in torture.INVALID], module)


def test_application():
    assert len(torture.APPLICATION) == 15 + 2  # and 3.2.1 and 3.4.1
    run(_all, torture.APPLICATION, _module("torture_application"))
