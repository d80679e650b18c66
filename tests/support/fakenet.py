# A network and a clock that exist only in memory: loss, delay, duplication, reordering, NAT, peers
# that die. One source for all interpreters.

from usip.clock import later


class Random:
    """The same numbers on every interpreter (a 31-bit linear congruential generator)."""

    def __init__(self, seed):
        self.x = (seed * 7919 + 12345) & 0x7FFFFFFF
        for _ in range(4):
            self.below(2)

    def below(self, n):
        self.x = (self.x * 1103515245 + 12345) & 0x7FFFFFFF
        return (self.x >> 8) % n


class Flow:
    transport = b"UDP"
    reliable = False

    def __init__(self, host, remote):
        self.host = host
        self.local = host.addr
        self.remote = remote

    def send(self, data):
        return self.host.world.transmit(self.host, self.remote, bytes(data))


class Host:
    """One address on the fake network. As `net` of an agent it hands out flows; `agent` is who gets
    the datagrams.
    """

    def __init__(self, world, addr):
        self.world = world
        self.addr = addr
        self.agent = None
        self.flows = {}
        self.up = True  # False: it is off; what is sent to it is lost
        self.cable = True  # False: sending fails hard, nothing comes
        self.air = True  # False: what it sends and what is sent to it is lost in silence
        self.births = 0  # how many agents it has had
        self.due = None  # when its agent wants to be polled again; None: never
        self.public = None  # its NAT's outside address
        self.inbox = []  # for a host without an agent: (source, data)

    def flow(self, host, port, transport=b"UDP"):
        if transport != b"UDP" or not host[-1:].isdigit():
            return None  # a name that does not resolve
        remote = (host, port)
        if remote not in self.flows:
            self.flows[remote] = Flow(self, remote)
        return self.flows[remote]

    def send(self, remote, data):
        self.world.transmit(self, remote, data)

    def move(self, ip):
        """It has another address from now on."""
        self.addr = (ip, self.addr[1])
        self.flows = {}

    def take(self, source, data):
        if self.agent:
            self.due = self.world.t
            self.agent.receive(data, self.flow(source[0], source[1]), self.world.now)
        else:
            self.inbox.append((source, data))


class World:
    """The network, its clock (which starts 5 s before the wrap) and its faults in percent."""

    def __init__(self, seed=1, loss=0, double=0, late=0, keep_log=True):
        self.random = Random(seed)
        self.loss = loss  # percent lost
        self.double = double  # percent that come twice
        self.late = late  # percent that take 100 ms to `longest` longer: they arrive out of order
        self.longest = 3000
        self.t = 0
        self.now = 0x3FFFFFFF - 5000
        self.queue = []
        self.hosts = []
        self.log = []  # (t, source, destination, data) of everything sent
        self.keep_log = keep_log
        self.drop = None  # drop(source, destination, data) -> True loses that one
        self.judge = None  # sent(host, data) and took(host, data) see everything

    def host(self, ip, port=5060):
        h = Host(self, (ip, port))
        h.n = len(self.hosts)
        self.hosts.append(h)
        return h

    def nat(self, host, ip, port=40000):
        """Put `host` behind a NAT with that outside address (full cone)."""
        host.public = (ip, port)

    def at(self, ms, what):
        """Call `what()` in `ms` milliseconds."""
        self._queue(self.t + ms, None, None, what)

    def _queue(self, at, src, dst, data):
        i = len(self.queue)
        while i and self.queue[i - 1][0] > at:
            i -= 1
        self.queue.insert(i, (at, src, dst, data))

    def touch(self):
        """Something was done to the agents: what they wait for may be another time."""
        for h in self.hosts:
            h.due = self.t

    def transmit(self, host, remote, data):
        if self.judge:
            self.judge.sent(host, data)
        if not host.cable:
            return False
        if not host.up or not host.air:
            return True
        src = host.public or host.addr
        if self.keep_log:
            self.log.append((self.t, src, remote, data))
        r = self.random
        if r.below(100) < self.loss or (self.drop and self.drop(src, remote, data)):
            return True
        for _ in range(2 if r.below(100) < self.double else 1):
            at = self.t + 5 + r.below(20)
            if r.below(100) < self.late:
                at += 100 + r.below(self.longest - 100)
            self._queue(at, src, remote, data)
        return True

    def _deliver(self):
        _, src, dst, data = self.queue.pop(0)
        if src is None:
            self.touch()
            data()
            return
        for h in self.hosts:
            if (
                dst == h.public
                or (dst == h.addr and not h.public)
                or (dst == h.addr and src[0][:3] == h.addr[0][:3])
            ):
                if h.up and h.air and h.cable:
                    h.take(src, data)
                    if self.judge:
                        self.judge.took(h, data)
                return

    def step(self, most=None):
        """Do the next thing that is due, at most `most` ms ahead. False when nothing is."""
        next_ = None
        for h in self.hosts:
            if h.agent and h.up and h.due is not None:
                if h.due <= self.t:
                    ms = h.agent.poll(self.now)
                    h.due = None if ms is None else self.t + ms
                    if ms is None:
                        continue
                if next_ is None or h.due - self.t < next_:
                    next_ = h.due - self.t
        if self.queue and (next_ is None or self.queue[0][0] - self.t <= next_):
            next_ = max(self.queue[0][0] - self.t, 0)
        if next_ is None or (most is not None and next_ > most):
            if most is not None:
                self._pass(most)
            return False
        self._pass(next_)
        while self.queue and self.queue[0][0] <= self.t:
            self._deliver()
        return True

    def _pass(self, ms):
        self.t += ms
        self.now = later(self.now, ms)

    def run(self, ms, until=None):
        """Let `ms` milliseconds pass, or less when `until()` becomes true. Returns whether it
        did.
        """
        end = self.t + ms
        self.touch()
        while self.t < end:
            if until and until():
                return True
            self.step(end - self.t)
        # What became due with the last step:
        for h in self.hosts:
            if h.agent and h.up:
                h.agent.poll(self.now)
        return bool(until and until())

    def sent(self, start, source=None):
        """How many datagrams began with the bytes `start`."""
        n = 0
        for _, src, _, data in self.log:
            if data[: len(start)] == start and (source is None or src == source):
                n += 1
        return n
