# usip: the table of transactions: found by key, due in order
# MIT licence; Copyright (c) 2026 the usip authors

from .clock import left


def key(m, method):
    # 17.2.3: what a request, its ACK and its CANCEL have in common. Peers without the magic cookie
    # are matched as RFC 2543 says.
    if m.branch[:7] == b"z9hG4bK" and len(m.branch) > 7:
        return m.branch, method, m.sent_by
    return m.get("via"), method, m.call_id, m.cseq, m.from_tag, m.uri


class Table:
    """The transactions of one agent.

    What repeats something is in `busy`. All others only wait for their end, and SIP has few such
    times: one queue for each, which is in order by itself. So a step of the clock looks at `busy`
    and at the head of each queue, however many thousands wait."""

    def __init__(self):
        self.busy = []
        self.queues = {}  # milliseconds from the last event to the end -> transactions
        self._keys = {}
        self._n = 0
        self._astray = False  # one is in no queue: there was no memory to put it there

    def __len__(self):
        return self._n

    def __iter__(self):
        for list_ in [self.busy] + list(self.queues.values()):
            for tx in tuple(list_):
                yield tx

    def get(self, key):
        """The transaction that was added under `key`, None if there is none."""
        return self._keys.get(key)

    def add(self, tx, key, other=None):
        """`other` is a second key that it may be asked for by. It is due from `place` on."""
        tx.keys = (key, other)
        self._n += 1
        try:
            for k in tx.keys:
                if k is not None and k not in self._keys:
                    self._keys[k] = tx
        except MemoryError:
            self.remove(tx)
            raise

    def remove(self, tx):
        if tx.keys is None:
            return
        self.leave(tx)
        for k in tx.keys:
            if self._keys.get(k) is tx:
                del self._keys[k]
        tx.keys = None
        self._n -= 1

    def clear(self):
        self.__init__()

    def place(self, tx):
        """Put `tx` where its deadlines want it."""
        astray = self._astray
        self._astray = True
        if tx.retry_at is not None:
            list_ = self.busy
        else:
            list_ = self.queues.get(tx.life)
            if list_ is None:
                list_ = self.queues[tx.life] = []
        if tx.list is list_:
            self._astray = astray
            return
        i = len(list_)
        if list_ is not self.busy:
            # One that was busy first may end a little before the last: in order all the same.
            while i and left(list_[i - 1].end_at, tx.end_at) > 0:
                i -= 1
        list_.insert(i, tx)
        self._astray = astray
        self.leave(tx)
        tx.list = list_

    def leave(self, tx):
        """Take `tx` out of its queue: its end will be another."""
        list_ = tx.list
        if list_ is None:
            return
        tx.list = None
        if list_ and list_[-1] is tx:
            list_.pop()
        elif tx in list_:
            list_.remove(tx)

    def poll(self, now):
        """Do what is due. Milliseconds until the next deadline, None when there is none."""
        if self._astray:
            for tx in tuple(self._keys.values()):
                if tx.list is None:
                    self.place(tx)
            self._astray = False
        first = None
        for tx in tuple(self.busy):
            ms = tx.poll(now)
            if ms is not None and (first is None or ms < first):
                first = ms
        for list_ in tuple(self.queues.values()):
            n = 0
            while n < len(list_) and left(list_[n].end_at, now) <= 0:
                n += 1
            while n and list_ and left(list_[0].end_at, now) <= 0:
                n -= 1
                list_[0].fire(b"$", now)  # it leaves: if its user raises the others are still due
            if list_:
                ms = max(left(list_[0].end_at, now), 0)
                if first is None or ms < first:
                    first = ms
        return first
