# usip: every event in every state of a session change, and of a registration
# MIT licence; Copyright (c) 2026 the usip authors

from calling import Bench
from sip import SDP, response
from usip import limits
from usip.clock import later
from usip.message import parse
from usip.registration import MACHINE as REGISTER
from usip.registration import Registration
from usip.reinvite import MACHINE
from wire import Wire, make

STATES = b"NLPG"
EVENTS = b"mi234k~$"
SILENCE = limits.RING_MS + 3 * limits.TIMEOUT


def begin(state, callee):
    b = Bench()
    b.up(callee)
    b.run(limits.LINGER)  # the first transactions are over
    assert not b.agent.transactions
    if state in b"LG":
        b.call.hold(True, b.now)
    if state == b"G":
        b.answered(491)
        b.call.change().end_at = later(b.now, 1000)  # by chance it is no time at all
    if state == b"P":
        b.within(b"INVITE", body=SDP)
        b.invited_cseq = b.cseq
    assert b.call.change().state == state, (state, b.call.change().state)
    return b


def fire(b, event):
    mod = b.call.change()
    if event == b"m":
        b.call.hold(True, b.now)
    elif event == b"i":
        b.within(b"INVITE", body=SDP)
    elif event in b"234" and mod.request:
        b.answered({b"2": 200, b"3": 488, b"4": 491}[event], body=SDP if event == b"2" else b"")
    elif event == b"k":
        b.within(b"ACK", getattr(b, "invited_cseq", 1))
    elif event == b"~":
        mod.retry_at = b.now
        b.agent.poll(b.now)
    elif event == b"$":
        mod.end_at = b.now
        b.agent.poll(b.now)
    else:
        mod._fire(event, b.now)


def cell(state, event, callee, cut):
    where = (state, event, callee, cut)
    b = begin(state, callee)
    row = MACHINE.find(state + event)
    b.wire.cut = cut
    fire(b, event)
    mod = b.call.change()
    assert mod.state in STATES, where
    if row < 0 and not cut:
        assert mod.state == state, (where, mod.state)
    elif not cut and MACHINE[row + 2 : row + 3] != b"e" and b.call.state == b"E":
        assert mod.state == MACHINE[row + 3 : row + 4], (where, mod.state)
    b.run(SILENCE)
    assert mod.state == b"N" and not mod.wanted and mod.poll(b.now) is None, (where, mod.state)
    assert not b.agent.transactions, where
    assert b.call.state in b"EX", (where, b.call.state)
    if b.call.state == b"E":
        b.call.hangup(b.now)
        b.run(SILENCE)
    assert b.idle() and b.call.state == b"X" and b.events.count("ended") == 1, where


def test_reinvite():
    cells = 0
    for i in range(len(STATES)):
        for j in range(len(EVENTS)):
            for callee in (False, True):
                for cut in (False, True):
                    cell(STATES[i : i + 1], EVENTS[j : j + 1], callee, cut)
            cells += 1
    print("cells of re-INVITE: %d, each for both sides, whole and broken" % cells)


def test_tables_are_well_formed():
    for table, states, events in ((MACHINE, STATES, EVENTS), (REGISTER, b"NRAFU", b"s234$q")):
        rows = [table[i : i + 5] for i in range(0, len(table), 5)]
        assert b"".join(rows) == table
        for r in rows:
            assert r[0] in states and r[3] in states and r[1] in events and r[4:] == b" ", r
        keys = [r[:2] for r in rows]
        assert len(set(keys)) == len(keys)


# --- registration ---


def registered(state, cut_at_once=False):
    wire = Wire()
    events = []
    agent = make(wire, lambda event, subject, detail: events.append(event))
    r = Registration(agent, b"sip:192.0.2.9")
    if state != b"N":
        r.start(wire.now)
    if state in b"AU":
        reply(wire, agent, 200)
    if state == b"F":
        reply(wire, agent, 500)
    if state == b"U":
        r.stop(wire.now)
    assert r.state == state, (state, r.state)
    return wire, agent, r, events


def reply(wire, agent, code):
    m = parse(wire.last())
    assert m.method == b"REGISTER"
    more = (b"Contact", m.get("contact") + b";expires=%s" % m.get("expires"))
    if code == 423:
        more = (b"Min-Expires", b"7200")
    agent.receive(response(m, code, b"t", more), wire, wire.now)


def register_cell(state, event, cut):
    where = (state, event, cut)
    wire, agent, r, events = registered(state)
    row = REGISTER.find(state + event)
    wire.cut = cut
    if event == b"s":
        r.start(wire.now)
    elif event == b"q":
        r.stop(wire.now)
    elif event == b"$":
        r.at = wire.now
        agent.poll(wire.now)
    elif wire.sent and state in b"RU":
        reply(wire, agent, {b"2": 200, b"3": 500, b"4": 423}[event])
    else:
        r._fire(event, wire.now, parse(response(parse(registered(b"R")[0].last()), 500)))
    assert r.state in b"NRAFU", where
    if row < 0:
        assert r.state == state, (where, r.state)
    elif not cut:
        assert r.state == REGISTER[row + 3 : row + 4], (where, r.state)
    # Whatever happened it goes on by itself, or it is over.
    ms = agent.poll(wire.now)
    assert (ms is not None) == (r.state != b"N" or len(agent.transactions) > 0), where
    wire.run(agent, limits.TIMEOUT + limits.TIMEOUT)
    if r.state == b"N":
        assert not agent.transactions and agent.poll(wire.now) is None, where
        return
    assert agent.poll(wire.now) is not None, where
    assert r.state in b"RFA", (where, r.state)
    # The registrar is back: at most the longest back-off (or a lifetime) later we are registered.
    wire.cut = False
    n = len(wire.sent)
    # It answers while the transaction still waits: in less than 64*T1.
    for _ in range(400):
        wire.run(agent, limits.TIMEOUT // 4)
        if len(wire.sent) > n:
            reply(wire, agent, 200)
            n = len(wire.sent)
            if r.state == b"A":
                break
    assert r.state == b"A" and events[-1] == "registered", (where, r.state, events)
    r.stop(wire.now)
    reply(wire, agent, 200)
    wire.run(agent, limits.TIMEOUT)
    assert r.state == b"N" and not agent.transactions and agent.poll(wire.now) is None, where


def test_registration():
    cells = 0
    for i in range(5):
        for j in range(6):
            for cut in (False, True):
                register_cell(b"NRAFU"[i : i + 1], b"s234$q"[j : j + 1], cut)
            cells += 1
    print("cells of registration: %d, each with a whole and a broken transport" % cells)
