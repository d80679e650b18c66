"""Thousands of devices and their registrar on a clock that only exists here.

The devices are Agents with a Registration, as a phone has them. The registrar is no more than what
answers REGISTER: it challenges, forgets all when it dies, and does `capacity` requests a second;
what does not fit into a second's queue is lost.
"""

import heapq
from random import Random

from usip import rand
from usip.agent import Agent
from usip.clock import later
from usip.digest import Credentials
from usip.message import Writer
from usip.registration import Registration
from usip.uri import Uri

REGISTRAR = (b"192.0.2.5", 5060)
AOR = b"sip:%d@192.0.2.5"
NONCE_S = 300  # so long a nonce is good


class Line:
    """Of one device: its network and its only flow."""

    transport = b"UDP"
    reliable = False
    remote = REGISTRAR

    def __init__(self, fleet, i):
        self.fleet = fleet
        self.i = i
        self.local = (b"10.%d.%d.%d" % (i >> 16, i >> 8 & 255, i & 255), 5060)

    def flow(self, host, port, transport=b"UDP"):
        return self

    def send(self, data):
        fleet = self.fleet
        fleet.later(fleet.random.randrange(5, 40), fleet.arrive, self.i, bytes(data))
        return True


class Fleet:
    """`came[s]`: REGISTERs that reached the registrar in second `s`; `done[s]`: what it granted."""

    def __init__(self, n, expires=3600, capacity=1000, seed=1):
        self.random = Random(seed)
        rand.urandom = self.random.randbytes if hasattr(self.random, "randbytes") else rand.urandom
        self.n = n
        self.expires = expires
        self.capacity = capacity
        self.t = 0
        self.start = 0x3FFFFFFF - 3600_000  # the clock wraps on the way
        self.queue = []
        self.order = 0
        self.up = True
        self.busy = 0  # until when the registrar has to do
        self.bound = [0] * n  # until when, in ms
        self.came = []
        self.done = []
        writer = Writer(1600)
        self.devices = []
        self.versions = [0] * n
        for i in range(n):
            agent = Agent(Line(self, i), lambda event, subject, detail: None, AOR % i)
            agent.writer = writer
            agent.credentials = Credentials(b"%d" % i, b"secret")
            agent.home = Uri(b"sip:192.0.2.5")
            self.devices.append((agent, Registration(agent, b"sip:192.0.2.5")))

    @property
    def now(self):
        return later(self.start, self.t)

    def later(self, ms, what, *args):
        self.order += 1
        heapq.heappush(self.queue, (self.t + ms, self.order, what, args))

    def run(self, seconds):
        end = self.t + seconds * 1000
        queue = self.queue
        while queue and queue[0][0] <= end:
            self.t, _, what, args = heapq.heappop(queue)
            what(*args)
        self.t = end

    # --- devices ---

    def power(self, i):
        """Device `i` starts."""
        self.devices[i][1].start(self.now)
        self.wake(i)

    def wake(self, i, version=None):
        if version is not None and version != self.versions[i]:
            return  # it has done something since
        ms = self.devices[i][0].poll(self.now)
        self.versions[i] += 1
        if ms is not None:
            self.later(ms, self.wake, i, self.versions[i])

    def reach(self, i, data):
        agent = self.devices[i][0]
        agent.receive(data, agent.net, self.now)
        self.wake(i)

    # --- the registrar ---

    def arrive(self, i, data):
        if not self.up:
            return
        _count(self.came, self.t // 1000)
        self.busy = max(self.busy, self.t)
        if self.busy > self.t + 1000:
            return  # lost: its queue is full
        self.busy += 1000 / self.capacity
        lines = data.split(b"\r\n\r\n")[0].split(b"\r\n")
        nonce = b"n%d" % (self.t // (NONCE_S * 1000))
        right = False
        back = [b"SIP/2.0 401 Unauthorized"]
        for line in lines[1:]:
            name = line[: line.find(b":")]
            if name == b"Authorization":
                right = b'nonce="' + nonce + b'"' in line
            elif name in (b"Via", b"From", b"Call-ID", b"CSeq"):
                back.append(line)
            elif name == b"To":
                back.append(line + b";tag=r")
            elif name == b"Contact":
                contact = line
        if right:
            back[0] = b"SIP/2.0 200 OK"
            back.append(contact + b";expires=%d" % self.expires)
            self.bound[i] = self.t + self.expires * 1000
            _count(self.done, self.t // 1000)
        else:
            back.append(b'WWW-Authenticate: Digest realm="r", nonce="' + nonce + b'", qop="auth"')
        back.append(b"Content-Length: 0\r\n\r\n")
        ms = int(self.busy - self.t) + self.random.randrange(5, 40)
        self.later(ms, self.reach, i, b"\r\n".join(back))

    def die(self):
        self.up = False
        self.bound = [0] * self.n

    def back(self):
        """The registrar is up again, and knows nobody."""
        self.up = True

    def asking(self):
        """The devices that know that they are not registered."""
        return [i for i, d in enumerate(self.devices) if d[1].state != b"A"]

    def steady(self):
        """Registrations a second when nothing has happened for long: a device comes again after
        three quarters of nine tenths of its lifetime."""
        s = self.expires
        s = max(s - 32, s // 2, 1) if s < 320 else s - s // 10
        return self.n / (0.75 * s)


def _count(list_, second):
    if len(list_) <= second:
        list_.extend([0] * (second + 1 - len(list_)))
    list_[second] += 1


def rates(counts, window, start, end):
    """Per second, averaged over windows of `window` seconds from `start` to `end`."""
    out = []
    for s in range(start, end - window + 1, window):
        out.append(sum(counts[s : s + window]) / window)
    return out


class Story:
    """What happened to a fleet: `at` is when its registrar came (back), in seconds.

    `asking` devices knew then that they were not registered, after `back_s` seconds none. `first`
    is the most registrations in one second of the first minute, `worst` the most a second after
    that, over `window` seconds, in multiples of what is steady."""

    def __init__(self, fleet, after=7200):
        self.fleet = fleet
        self.at = at = fleet.t // 1000
        fleet.back()
        self.asking = len(fleet.asking())
        self.back_s = 0
        while fleet.asking() and self.back_s < 3600:
            fleet.run(1)
            self.back_s += 1
        fleet.run(after - self.back_s)
        self.steady = fleet.steady()
        # So that chance does not count: what is steady makes 120 of them.
        self.window = max(10, int(120 / self.steady))
        _count(fleet.done, at + after)
        self.first = max(fleet.done[at : at + 60])
        self.first_minute = sum(fleet.done[at : at + 60])
        end = at + after
        self.worst = max(rates(fleet.done, self.window, at + 60, end)) / self.steady


def dies(n, seconds, **how):
    """The registrar of a fleet that has been up for long dies, and is back after `seconds`."""
    fleet = Fleet(n, **how)
    for i in range(n):
        fleet.later(fleet.random.randrange(3240_000), fleet.power, i)
    fleet.run(2 * 3600)
    fleet.die()
    fleet.run(seconds)
    return Story(fleet)


def power(n, seconds, **how):
    """All get power at once, boot within five seconds of each other; the registrar is there
    `seconds` later.
    """
    fleet = Fleet(n, **how)
    fleet.die()
    for i in range(n):
        fleet.later(60_000 + fleet.random.randrange(5000), fleet.power, i)
    fleet.run(60 + seconds)
    return Story(fleet)


STORIES = (
    ("the registrar dies for 5 minutes", dies, 300),
    ("the registrar dies for an hour", dies, 3600),
    ("power comes back to all at once", power, 0),
    ("power comes back, the registrar 10 minutes later", power, 600),
)


def tell(stories=STORIES, n=10_000, **how):
    """(name, Story) of each."""
    urandom = rand.urandom
    try:
        for name, what, seconds in stories:
            yield name, what(n, seconds, **how)
    finally:
        rand.urandom = urandom
