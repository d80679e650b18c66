# usip: every event in every state of a call
# MIT licence; Copyright (c) 2026 the usip authors

from calling import Bench
from sip import SDP, request, response
from usip import limits
from usip.call import MACHINE
from usip.message import parse
from wire import Wire

EVENTS = b"123kcbydajh~$l"
OUTGOING = b"SRZYEBX"
INCOMING = b"OWVEBX"
# Whatever happened: after that much silence nothing is left of it.
SILENCE = limits.RING_MS + 3 * limits.TIMEOUT


def outgoing(b, state):
    b.dial()
    if state == b"Z":
        b.call.hangup(b.now)
    if state in b"RYEBX":
        b.answered(180)
    if state == b"Y":
        b.call.hangup(b.now)
    if state in b"EBX":
        b.answered(200, body=SDP)
    finish(b, state)


def incoming(b, state):
    b.invited()
    if state in b"WVEBX":
        b.call.answer(b.now)
    if state == b"V":
        b.call.hangup(b.now)
    if state in b"EBX":
        b.within(b"ACK", 1)
    finish(b, state)


def finish(b, state):
    if state in b"BX":
        b.call.hangup(b.now)
    if state == b"X":
        b.answered(200, method=b"BYE")
    assert b.call.state == state, (state, b.call.state)


def fire(b, event):
    """The event as it comes in life; where this side knows no such message, straight."""
    call = b.call
    now = b.now
    if event in b"123" and call.invite:
        code = {b"1": 180, b"2": 200, b"3": 486}[event]
        b.answered(code, body=SDP if code == 200 else b"")
    elif event == b"k" and call.dialog:
        b.within(b"ACK", 1)
    elif event == b"c" and call.tx:
        b.receive(request(b"CANCEL"))
    elif event == b"b" and call.dialog:
        b.within(b"BYE")
    elif event == b"y" and call.bye:
        b.answered(200, method=b"BYE")
    elif event == b"d":
        call.gone(481, now)
    elif event == b"a":
        call.answer(now)
    elif event == b"j":
        call.reject(now)
    elif event == b"h":
        call.hangup(now)
    elif event == b"~":
        call.retry_at = now
        b.agent.poll(now)
    elif event == b"$":
        call.end_at = now
        b.agent.poll(now)
    elif event == b"l" and call.tx:
        call.lost(call.tx, 408, now)
    else:
        call.m = parse(response(parse(request(b"INVITE")), 200, b"t"))
        call._fire(event, now)


def cell(make, state, event, cut):
    b = Bench()
    make(b, state)
    where = (make.__name__, state, event, cut)
    row = MACHINE.find(state + event)
    b.wire.cut = cut
    fire(b, event)
    assert b.call.state in OUTGOING + INCOMING, where
    if row < 0:
        assert b.call.state == state, (where, b.call.state)
    elif not cut:
        assert b.call.state == MACHINE[row + 3 : row + 4], (where, b.call.state)
    b.run(SILENCE)
    if b.call.state == b"E":  # lasts until somebody hangs up
        b.call.hangup(b.now)
        b.run(SILENCE)
    assert b.call.state == b"X", (where, b.call.state)
    assert b.idle(), (where, b.agent.transactions, b.agent.dialogs, b.agent.parts)
    assert b.agent.poll(b.now) is None, where
    assert b.events.count("ended") == 1 and b.events[-1] == "ended", (where, b.events)
    assert b.call.reason and b.call.code, where
    assert b.events.count("answered") <= 1


def all_cells(make, states):
    cells = 0
    for i in range(len(states)):
        for j in range(len(EVENTS)):
            for cut in (False, True):
                cell(make, states[i : i + 1], EVENTS[j : j + 1], cut)
            cells += 1
    print(
        "cells of %s calls: %d, each with a whole and a broken transport" % (make.__name__, cells)
    )


def test_outgoing():
    all_cells(outgoing, OUTGOING)


def test_incoming():
    all_cells(incoming, INCOMING)


def test_table_is_well_formed():
    rows = [MACHINE[i : i + 5] for i in range(0, len(MACHINE), 5)]
    assert b"".join(rows) == MACHINE
    for r in rows:
        assert r[0] in OUTGOING + INCOMING and r[3] in OUTGOING + INCOMING and r[1] in EVENTS, r
        assert r[4:] == b" " and 97 <= r[2] <= 122
    keys = [r[:2] for r in rows]
    assert len(set(keys)) == len(keys)
    # Every state has a time limit; E may last and X is the end.
    for c in OUTGOING + INCOMING:
        if c not in b"EXR":
            assert MACHINE.find(bytes((c,)) + b"$") >= 0, c


def test_no_way_in_and_none_out():
    # Without a network there is no call, and nothing left of it.
    for cut in (False, True):
        wire = Wire()
        wire.cut = cut
        b = Bench(wire)
        if not cut:
            wire.flow = lambda host, port, transport=b"UDP": None
        b.dial()
        assert b.call.state == b"X" and b.call.code == 503 and b.call.reason == "Unreachable"
        assert b.events == ["ended"] and b.idle()
