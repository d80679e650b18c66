"""Model checking: every order in which the messages of a call can arrive, get lost or come twice,
up to a bound. States that were reached before are not gone into again.

A state is what pickle makes of two endpoints and the network between them. From each the next step
is one of: deliver any datagram under way, lose it, let it come twice, let time pass first, let a
user do what is next. The last four cost one of `faults`, but a user who acts; datagrams after the
first `first` ones arrive in order. Where there is nothing to choose any more all goes its way to
the end, and what must hold then is looked at.
"""

import hashlib
import pickle

from endpoint import End, Home
from fakenet import World
from proxy import Proxy
from storm import MIRROR, Judge
from usip import limits, rand
from usip.registration import Registration
from usip.server.registrar import Registrar

A, B, P, HOME = b"192.0.2.1", b"192.0.2.2", b"192.0.2.9", b"192.0.2.5"
PROBE_MS = 90_000  # other tests have their own
SETTLED = limits.RING_MS + PROBE_MS + 3 * limits.TIMEOUT

# What each side does, one after the other, as soon as it can or any time later
SCENARIOS = {
    "caller hangs up": ("dial bye", "answer"),
    "callee hangs up": ("dial", "answer bye"),
    "both hang up": ("dial bye", "answer bye"),
    "cancelled or answered": ("dial hangup", "answer"),
    "cancelled or refused": ("dial hangup", "reject"),
    "refused": ("dial", "reject"),
    "nobody answers": ("dial_briefly", ""),
    "answered too late": ("dial_briefly", "answer"),
    "both hold": ("dial hold", "answer hold"),
    "holds and resumes": ("dial hold resume", "answer"),
    "held and hung up": ("dial hold", "answer bye"),
    "digits": ("dial press press", "answer press"),
    "digits and hung up": ("dial press bye", "answer"),
    "refresh in a call": ("register dial refresh bye", "answer"),
}


class Wrong(AssertionError):
    """Something that must hold does not; `path` is how it came to that."""

    def __init__(self, why, path):
        AssertionError.__init__(self, "%s after %s" % (why, path))
        self.path = path


class Random:
    """Of each host: what one draws does not depend on what others do."""

    def __init__(self):
        self.x = {}
        self.host = None

    def __call__(self, n):
        out = []
        for _ in range(n):
            x = (self.x.get(self.host, self.host * 7919 + 1) * 1103515245 + 12345) & 0x7FFFFFFF
            self.x[self.host] = x
            out.append(x >> 16 & 0xFF)
        return bytes(out)


class Party(End):
    def __init__(self, world, ip, todo, password):
        self.all = []
        End.__init__(self, world, ip, b"a", password, home=HOME)
        self.todo = todo.split()

    def hear(self, event, subject, detail):
        End.hear(self, event, subject, detail)
        if event == "incoming":
            self.all.append(subject)

    def ready(self):
        """Whether it can do what it wants to do next."""
        if not self.todo:
            return False
        verb = self.todo[0]
        state = self.call.state if self.call else b"-"
        if verb in ("register", "dial", "dial_briefly"):
            r = self.registration
            return verb == "register" or not r or r.state == b"A"
        if verb in ("answer", "reject"):
            return state == b"O"
        if verb == "hangup":
            return state not in b"-X"
        return state == b"E"

    def act(self):
        verb = self.todo.pop(0)
        now = self.world.now
        call = self.call
        if verb in ("dial", "dial_briefly"):
            ms = 1000 if verb == "dial_briefly" else None
            self.all.append(self.dial(b"sip:b@" + B, ring_ms=ms))
        elif verb == "answer":
            call.answer(now)
        elif verb == "reject":
            call.reject(now, 486)
        elif verb in ("bye", "hangup"):
            call.hangup(now)
        elif verb in ("hold", "resume"):
            call.hold(verb == "hold", now)
        elif verb == "press":
            from usip.info import send

            digit = b"1234"[len(self.pressed) :][:1]
            self.pressed += digit
            send(call, digit, now)
        else:
            self.registration.start(now)

    pressed = b""


class Crossing(World):
    def __init__(self, scenario, proxy, first, faults):
        World.__init__(self, keep_log=False)
        self.judge = Judge()
        self.random = rand.urandom = Random()
        self.random.host = 0
        self.first = first
        self.faults = self.allowed = faults
        self.count = 0
        self.under_way = []  # (its number, source, destination, data)
        todo = SCENARIOS[scenario]
        self.home = None
        password = None
        if "register" in todo[0]:
            password = b"p"
            self.home = Home(self, {b"a": b"p"}, ip=HOME)
        self.parties = [Party(self, A, todo[0], password), Party(self, B, todo[1], None)]
        if proxy:
            Proxy(self.host(P))
            self.parties[0].agent.routes.append(b"<sip:" + P + b":5060;lr>")

    def transmit(self, host, remote, data):
        if not isinstance(host.agent, Proxy):
            self.judge.sent(host, data)
        self.under_way.append((self.count, host.addr, remote, data))
        self.count += 1
        return True

    def settle(self):
        """Do what is due now; milliseconds until something else is."""
        first = None
        for h in self.hosts:
            self.random.host = h.n
            ms = h.agent.poll(self.now)
            if ms is not None and (first is None or ms < first):
                first = ms
        return first

    def choices(self):
        """The steps from here: (what, number)."""
        out = []
        seen = []
        may = False  # anything but deliver in order
        for i, (n, _, dst, data) in enumerate(self.under_way):
            if (dst, data) in seen:
                continue
            seen.append((dst, data))
            if n < self.first:
                may = True
                out.append(("deliver", i))
                if self.faults:
                    out.append(("lose", i))
                    out.append(("twice", i))
        acts = [("act", i) for i, p in enumerate(self.parties) if p.ready()]
        if self.under_way and not may:
            out.append(("deliver", 0))
        if self.count < self.first and self.faults and (self.under_way or acts):
            out.append(("wait", 0))
        elif not self.under_way and not acts and (may or self.count < self.first):
            out.append(("wait", 0))
        out += acts
        # With nothing left to choose: to the end.
        return out if may or acts or len(out) > 1 else []

    def take(self, what, i):
        if what == "act":
            self.random.host = self.parties[i].host.n
            self.parties[i].act()
        elif what == "wait":
            if self.under_way or any(p.ready() for p in self.parties):
                self.faults -= 1
            self.pass_time()
        else:
            n, src, dst, data = self.under_way.pop(i)
            if what != "deliver":
                self.faults -= 1
            if what == "twice":  # the other one later, and that one neither lost nor doubled
                self.under_way.append((self.count, src, dst, data))
                self.count += 1
            if what != "lose":
                for h in self.hosts:
                    if h.addr == dst:
                        self.random.host = h.n
                        h.take(src, data)
                        if not isinstance(h.agent, Proxy):
                            self.judge.took(h, data)
        self.settle()

    def pass_time(self):
        ms = self.settle()
        if ms is None:
            return False
        self._pass(ms)
        self.settle()
        return True

    def rest(self, ms):
        end = self.t + ms
        while True:
            if self.under_way:
                self.take("deliver", 0)
                continue
            left = self.settle()
            if self.under_way:
                continue
            if left is None or self.t + left > end:
                self._pass(end - self.t)
                return
            self._pass(left)
            self.settle()

    # --- what must hold ---

    def wrong(self):
        """Run to the end: "" or what is wrong."""
        self.rest(SETTLED)
        why = self.agree() or self.told()
        if why:
            return why
        for p in self.parties:
            for call in p.all:
                if call.state != b"X":
                    self.random.host = p.host.n
                    call.hangup(self.now)
        self.rest(2 * limits.TIMEOUT)
        return self.judge.fault or self.idle()

    def agree(self):
        a, b = [[c for c in p.all if c.state != b"X"] for p in self.parties]
        if len(a) != len(b):
            return "one is in a call, the other not"
        for x, y in zip(a, b):
            if x.state != b"E" or y.state != b"E":
                return "not settled"
            if x.sdp.remote.direction != MIRROR[y.sdp.remote.direction]:
                return "one holds, the other knows nothing of it"
            if x.change().state != b"N" or y.change().state != b"N":
                return "a change is not done"
        return ""

    def told(self):
        a, b = self.parties
        for p, q in ((a, b), (b, a)):
            pressed = p.pressed
            if pressed[: len(q.digits)] != q.digits:
                return "digits %s of %s" % (q.digits, pressed)
            if p.todo == [] and self.faults == self.allowed and pressed != q.digits:
                if "ended" not in p.events:
                    return "digits are lost"
        if len(b.all) > 1:
            return "it rang twice"
        return ""

    def idle(self):
        for h in self.hosts:
            agent = h.agent
            if isinstance(agent, Proxy):
                continue
            lasting = [p for p in agent.parts if isinstance(p, (Registration, Registrar))]
            left = [t for t in agent.transactions if t.method != b"REGISTER"]
            if left or agent.dialogs or len(agent.parts) != len(lasting):
                return "something is left"
        for p in self.parties:
            if p.events.count("ended") != len(p.all):
                return "how often a call ended"
        return ""


class Search:
    """All of one scenario. `states`: how many different ones, `ends`: of these, where nothing was
    to be chosen any more; `ways`: how many sequences of steps lead there."""

    def __init__(self, scenario, proxy=False, first=12, faults=2, most=None):
        self.known = {}
        self.states = self.steps = self.ends = 0
        self.most = most
        self.path = []
        before = rand.urandom, limits.PROBE_MS
        limits.PROBE_MS = PROBE_MS
        try:
            self.ways = self._search(pickle.dumps(Crossing(scenario, proxy, first, faults), -1))
        finally:
            rand.urandom, limits.PROBE_MS = before

    def _search(self, data):
        key = hashlib.blake2b(data, digest_size=16).digest()
        ways = self.known.get(key)
        if ways is not None:
            return ways
        if self.most and self.states >= self.most:
            raise Wrong("more than %d states" % self.most, list(self.path))
        self.states += 1
        world = self._load(data)
        steps = world.choices()
        if not steps:
            self.ends += 1
            why = world.wrong()
            if why:
                raise Wrong(why, list(self.path))
            ways = 1
        else:
            ways = 0
            for n, step in enumerate(steps):
                if n:
                    world = self._load(data)
                self.path.append(step)
                self.steps += 1
                world.take(*step)
                ways += self._search(pickle.dumps(world, -1))
                self.path.pop()
        self.known[key] = ways
        return ways

    @staticmethod
    def _load(data):
        world = pickle.loads(data)
        rand.urandom = world.random
        return world


def replay(scenario, proxy, first, faults, path, say=print):
    """The way `path` again, step by step."""
    urandom = rand.urandom
    try:
        world = Crossing(scenario, proxy, first, faults)
        for what, i in path:
            if what == "act":
                said = world.parties[i].todo[0]
            elif what == "wait":
                said = ""
            else:
                n, src, dst, data = world.under_way[i]
                said = "%d %s > %s %s" % (n, src[0].decode(), dst[0].decode(), data[:40])
            say("%7d %s %s" % (world.t, what, said))
            world.take(what, i)
        return world.wrong()
    finally:
        rand.urandom = urandom
