# usip: every event in every state of the four transaction machines
# MIT licence; Copyright (c) 2026 the usip authors

from sip import request, response
from usip import limits
from usip.message import parse
from usip.transaction import CLIENT, INVITE_CLIENT, INVITE_SERVER, MACHINES, Transaction
from wire import Tcp, User, Wire, make

EVENTS = b"123567@+~$!"
# The first letter is where it begins.
STATES = {0: b"CPFAX", 1: b"TPFX", 2: b"PFKAX", 3: b"TPFX"}
MOST = limits.RING_MS + 2 * limits.TIMEOUT


def path(machine, state):
    """The shortest way to `state`: a string of events."""
    table = MACHINES[machine]
    ways = [(STATES[machine][:1], b"")]
    for at, way in ways:  # grows while it is walked
        if at == state:
            return way
        for i in range(0, len(table), 5):
            known = [w[0] for w in ways]
            if table[i : i + 1] == at and table[i + 3 : i + 4] not in known:
                ways.append((table[i + 3 : i + 4], way + table[i + 1 : i + 2]))
    raise AssertionError("no way to it")


def begin(machine, wire):
    agent = make(wire)
    method = b"INVITE" if machine in (0, 2) else b"OPTIONS"
    data = request(method, via=b"SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK7")
    user = User()
    tx = Transaction(agent, machine, wire, b"z9hG4bK7", method, user, wire.now)
    agent.transactions.add(tx, (b"z9hG4bK7", method))
    agent.transactions.place(tx)
    m = parse(data)
    m.flow = wire
    if machine < 2:
        tx.start(data, wire.now)
    else:
        tx.request = m
    return agent, tx, m, user


def fire(tx, m, event, now):
    if event in b"123":
        m = parse(response(m, {b"1": 180, b"2": 200, b"3": 486}[event], b"t1"))
        tx.fire(event, now, m)
    elif event in b"567":
        code = {b"5": 180, b"6": 200, b"7": 486}[event]
        tx.respond(code, response(m, code, b"t1"), now)
    elif event in b"@+":
        tx.fire(event, now, m)
    else:
        tx.fire(event, now)


def cell(machine, state, event, wire, cut):
    agent, tx, m, user = begin(machine, wire)
    way = path(machine, state)
    for i in range(len(way)):
        fire(tx, m, way[i : i + 1], wire.now)
    assert tx.state == state, (machine, state, way, tx.state)
    row = MACHINES[machine].find(state + event)
    heard = len(user.heard)
    sent = len(wire.sent)
    wire.cut = cut
    fire(tx, m, event, wire.now)
    where = (machine, state, event, cut, tx.state)
    assert tx.state in STATES[machine], where
    if row < 0:  # ignored
        assert tx.state == state and len(user.heard) == heard and len(wire.sent) == sent, where
    elif not cut:
        assert tx.state == MACHINES[machine][row + 3 : row + 4], where
    assert len(user.heard) <= heard + 1, (where, user.heard)  # told once
    assert (tx in agent.transactions) == (tx.state != b"X"), where
    if tx.state != b"X":
        ms = tx.poll(wire.now)
        assert ms is not None or tx.state == b"X", where
        assert ms is None or 0 <= ms <= MOST, where
    # And silence ends it.
    wire.run(agent, MOST)
    assert not agent.transactions and tx.state == b"X", where
    assert agent.poll(wire.now) is None


def all_cells(machine):
    cells = 0
    for i in range(len(STATES[machine])):
        for j in range(len(EVENTS)):
            state = STATES[machine][i : i + 1]
            event = EVENTS[j : j + 1]
            for flow in (Wire, Tcp):
                for cut in (False, True):
                    cell(machine, state, event, flow(), cut)
            cells += 1
    print("cells of machine %d: %d, each on two transports, whole and broken" % (machine, cells))
    assert cells == len(STATES[machine]) * len(EVENTS)


def test_invite_client():
    all_cells(0)


def test_client():
    all_cells(1)


def test_invite_server():
    all_cells(2)


def test_server():
    all_cells(3)


def test_tables_are_well_formed():
    for machine in range(4):
        table = MACHINES[machine]
        rows = [table[i : i + 5] for i in range(0, len(table), 5)]
        assert b"".join(rows) == table and len(table) % 5 == 0
        for r in rows:
            assert r[0] in STATES[machine] and r[3] in STATES[machine] and r[1] in EVENTS, r
            assert r[4:] == b" "
            # find() must hit rows only: a state is no action, an event no state
            assert 97 <= r[2] <= 122 and not 65 <= r[1] <= 90
        keys = sorted([r[:2] for r in rows])
        for i in range(1, len(keys)):
            assert keys[i] != keys[i - 1], keys[i]
        # Every state but X ends by itself.
        for i in range(len(STATES[machine]) - 1):
            assert table.find(STATES[machine][i : i + 1] + b"$") >= 0
    assert MACHINES[:3] == (INVITE_CLIENT, CLIENT, INVITE_SERVER)


def test_ack_that_cannot_be_sent():
    # The transport breaks between the final response and its ACK: told once, and forgotten.
    wire = Wire()
    agent, tx, m, user = begin(0, wire)
    wire.cut = True
    fire(tx, m, b"3", wire.now)
    assert len(user.heard) == 1 and not agent.transactions


def test_ack_that_does_not_fit():
    wire = Wire()
    agent, tx, m, user = begin(0, wire)
    data = response(m, 486).replace(b"To: <", b"To: " + b"x" * limits.SEND_MAX + b" <")
    agent.receive(data, wire, wire.now)
    assert user.heard == [486]
    agent.receive(data, wire, wire.now)
    assert user.heard == [486] and wire.times(b"ACK") == []
    wire.run(agent, MOST)
    assert not agent.transactions
