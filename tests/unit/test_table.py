# usip: the table of transactions: found by key, due in order, whatever their users raise

from sip import request
from usip.table import Table
from wire import User, Wire, make


class Waiting:
    """As much of a transaction as the table looks at; counts how often it is looked at."""

    looks = 0
    fired = None
    raises = None

    def __init__(self, end_at, life=32000, retry_at=None):
        self.at = end_at
        self.life = life
        self.retry_at = retry_at
        self.keys = self.list = None

    @property
    def end_at(self):
        Waiting.looks += 1
        return self.at

    def fire(self, event, now):
        self.table.remove(self)
        self.order.append(self)
        if self.raises:
            raise self.raises


def table(*waiting):
    t = Table()
    order = []
    for n, tx in enumerate(waiting):
        tx.table = t
        tx.order = order
        t.add(tx, n)
        t.place(tx)
    return t, order


def test_order():
    # Those of one length are in order, however they came; the lengths do not wait for each other.
    a, b, c = Waiting(300), Waiting(100), Waiting(200)
    d, e = Waiting(150, 5000), Waiting(250, 5000)
    t, order = table(a, b, c, d, e)
    assert len(t) == 5 and len(list(t)) == 5
    assert t.poll(99) == 1 and order == []
    assert t.poll(160) == 40 and order == [b, d]
    assert t.poll(1000) is None and order == [b, d, c, a, e]
    assert len(t) == 0 and not t and t.get(0) is None


def test_wrap():
    last = (1 << 30) - 10
    a, b = Waiting(last + 5), Waiting(7)
    t, order = table(b, a)
    assert t.poll(last) == 5
    assert t.poll(last + 5) == 12 and order == [a]
    assert t.poll(7) is None and order == [a, b]


def test_thousands_cost_no_more_than_three():
    looks = []
    for n in (3, 300):
        t, order = table(*[Waiting(1000 + i) for i in range(n)])
        Waiting.looks = 0
        t.poll(999)
        looks.append(Waiting.looks)
    assert looks[0] == looks[1], looks


def test_a_user_that_raises():
    # What else was due is due still; the one whose user raised is gone all the same.
    a, b, c = Waiting(1), Waiting(2), Waiting(3)
    b.raises = MemoryError()
    t, order = table(a, b, c)
    try:
        t.poll(10)
        raise AssertionError("nothing was raised")
    except MemoryError:
        pass
    assert order == [a, b] and len(t) == 1
    t.poll(10)
    assert order == [a, b, c] and not t


def test_one_ends_another():
    # In the same step of the clock, both due: the second hears nothing more.
    a, b = Waiting(1), Waiting(2)
    t, order = table(a, b)
    fire = a.fire

    def both(event, now):
        t.remove(b)
        fire(event, now)

    a.fire = both
    t.poll(10)
    assert order == [a] and not t


def test_two_keys():
    t = Table()
    a, b = Waiting(1), Waiting(2)
    t.add(a, (b"x", b"INVITE"), (b"id", 1))
    t.add(b, (b"y", b"INVITE"), (b"id", 1))  # the same request by another path
    assert t.get((b"x", b"INVITE")) is a and t.get((b"y", b"INVITE")) is b
    assert t.get((b"id", 1)) is a
    t.remove(b)
    assert t.get((b"id", 1)) is a and t.get((b"y", b"INVITE")) is None
    t.remove(b)  # twice does no harm
    t.remove(a)
    assert len(t) == 0 and t.get((b"id", 1)) is None


def test_a_transaction_whose_user_raises_is_gone():
    wire = Wire()
    agent = make(wire)

    class Raises(User):
        def response(self, tx, m, status, now):
            raise MemoryError

    data = request(via=b"SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK7")
    agent.client(wire, b"OPTIONS", Raises(), wire.now, b"z9hG4bK7").start(data, wire.now)
    assert len(agent.transactions) == 1
    try:
        for _ in range(40):
            wire.now += 1000
            agent.poll(wire.now)
        raise AssertionError("no time-out")
    except MemoryError:
        pass
    assert not agent.transactions
