# An endpoint's core whose memory runs out, on the fake network, with peers that have enough.

import gc
import sys

from scarce import need, poor

from endpoint import End, Home
from fakenet import Flow, Host, World
from usip import info, limits
from usip.pager import ping, send
from usip.sdp import Session

AT = b"192.0.2.1"
FRIEND = b"sip:friend@192.0.2.9"
SETTLE = limits.TIMEOUT + limits.BYE_MS + 2 * limits.PROBE_MS + limits.RING_MS


class Out(Flow):
    # Sending takes no memory: the network is not what is tried here.
    def send(self, data):
        host = self.host
        host.out[host.n] = data
        host.to[host.n] = self.remote
        host.n += 1
        return True


class Poor(Host):
    """The host of the endpoint that is tried, and its driver. Each entry into the core is counted;
    that number `at`, and `more` milliseconds of others after it, have memory for `left` steps."""

    def __init__(self, world, addr):
        Host.__init__(self, world, addr)
        world.hosts.append(self)
        self.out = [None] * 40
        self.to = [None] * 40
        self.n = 0
        self.core = None
        self.entries = 0
        self.at = -1
        self.more = 0
        self.until = None
        self.left = 0
        self.measure = None  # a list: what each entry needs
        self.failed = None

    def flow(self, host, port, transport=b"UDP"):
        # As the driver's table of flows, which exists.
        remote = (host, port)
        f = self.flows.get(remote)
        if not f and host[-1:].isdigit():
            f = self.flows[remote] = Out(self, remote)
        return f

    def enter(self, f, *args):
        """Let the core do something, as the driver does: what it raises is told, no more."""
        i = self.entries
        self.entries += 1
        world = self.world
        result = None
        if self.measure is not None:
            result, n = need(f, args)
            self.measure.append(n)
        elif i == self.at or (self.until is not None and world.t < self.until):
            if i == self.at:
                self.until = world.t + self.more if self.more else None
            result, error = poor(self.left, f, args)
            if error:
                self.failed = error
                if f == self.core.poll:
                    result = 100
        else:
            result = f(*args)
        for j in range(self.n):
            world.transmit(self, self.to[j], self.out[j])
            self.out[j] = None
        self.n = 0
        return result

    # What the world takes for the agent.

    def receive(self, data, flow, now):
        self.enter(self.core.receive, data, flow, now)

    def poll(self, now):
        return self.enter(self.core.poll, now)


class Device(End):
    def __init__(self, world):
        host = Poor(world, (AT, 5060))
        self.open = 0  # sockets for sound
        self.rung = self.over = 0
        End.__init__(self, world, AT, b"door", b"ding", host=host)
        host.core = self.agent
        host.agent = host
        self.agent.session = self.session
        self.mine = 0
        self.incoming = None

    def session(self, call, flow):
        s = Session(flow.local[0], 4000 + 2 * self.open)
        self.open += 1
        call.data = self  # as a phone's: it is what closes the socket
        return s

    def hear(self, event, subject, detail):
        if event == "incoming":
            self.rung += 1
            self.incoming = subject
        elif event in ("ended", "dropped"):
            if subject.data:
                self.open -= 1
            if event == "ended" and subject.incoming:
                self.over += 1
            if subject is self.incoming:
                self.incoming = None
        elif event == "dtmf":
            self.digits = detail[0]

    def do(self, f, *args):
        return self.host.enter(f, *args)


class Town:
    """The device, its registrar and a friend. The friend's phone answers as it is told."""

    def __init__(self):
        limits.RTP_TIMEOUT = 0
        self.world = World(keep_log=False)
        self.world.hosts = []
        self.device = Device(self.world)
        self.home = Home(self.world, {b"door": b"ding"})
        self.home.agent.most = 64
        self.home.events = self  # nobody wants them
        self.friend = End(self.world, b"192.0.2.9", b"friend", home=b"192.0.2.9")
        self.friend.agent.most = 64
        self.friend.agent.listener = self.hear
        self.how = "answer"
        self.run = self.world.run
        self.texts = 0
        self.status = 0
        self.theirs = None
        self.heard = b""
        self.device.registration.start(self.world.now)
        self.run(2000)
        assert self.registered()

    def append(self, event):
        pass

    def hear(self, event, subject, detail):
        now = self.world.now
        if event == "incoming":
            self.theirs = subject
            if self.how == "refuse":
                subject.reject(now, 486)
            elif self.how == "answer":
                subject.answer(now)
        elif event == "ended" and subject is self.theirs:
            self.theirs = None
        elif event == "message":
            self.texts += 1
        elif event in ("message-sent", "options"):
            self.status = detail
        elif event == "dtmf":
            self.heard = detail[0]

    def registered(self):
        return self.device.registration.state == b"A"

    # --- the scenarios: what the friend and the application do ---

    def dial(self):
        d = self.device
        return d.do(lambda: d.calls.dial(FRIEND, self.world.now))

    def hangup(self, call):
        if call:
            self.device.do(call.hangup, self.world.now)

    def ring(self):
        self.theirs = self.friend.calls.dial(b"sip:door@192.0.2.1", self.world.now)
        self.run(200)

    def s_register(self):
        d = self.device
        d.do(d.registration.start, self.world.now)
        self.run(1500)

    def s_unregister(self):
        d = self.device
        d.do(d.registration.stop, self.world.now)
        self.run(1500)
        d.registration.start(self.world.now)

    def s_registrar_restarts(self):
        self.home.agent.transactions.clear()
        self.home.registrar.bindings.clear()
        self.s_register()

    def s_call_out(self):
        self.how = "answer"
        c = self.dial()
        self.run(1000)
        if c:
            self.device.do(info.send, c, b"5", self.world.now)
        self.run(1000)
        self.hangup(c)
        self.run(500)

    def s_call_out_rings(self):
        self.how = "ring"
        c = self.dial()
        self.run(1000)
        self.hangup(c)
        self.run(500)

    def s_call_out_refused(self):
        self.how = "refuse"
        self.dial()
        self.run(500)

    def s_call_out_lost(self):
        """A third of what is sent gets lost."""
        self.how = "answer"
        self.world.loss = 33
        c = self.dial()
        self.run(4000)
        self.hangup(c)
        self.run(2000)
        self.world.loss = 0

    def s_call_in(self):
        self.ring()
        c = self.device.incoming
        if c:
            self.device.do(c.answer, self.world.now)
        self.run(300)
        if self.theirs and self.theirs.state == b"E":
            info.send(self.theirs, b"7", self.world.now)
        self.run(300)
        if self.theirs:
            self.theirs.hangup(self.world.now)
        self.run(500)

    def s_call_in_cancelled(self):
        self.ring()
        if self.theirs:
            self.theirs.hangup(self.world.now)
        self.run(500)

    def s_call_in_refused(self):
        self.ring()
        c = self.device.incoming
        if c:
            self.device.do(c.reject, self.world.now)
        self.run(500)

    def s_call_in_no_ack(self):
        self.ring()
        c = self.device.incoming
        self.world.drop = lambda source, to, data: data[:3] == b"ACK"
        if c:
            self.device.do(c.answer, self.world.now)
        self.run(limits.TIMEOUT + 2000)
        self.world.drop = None
        self.hangup(c)

    def s_reinvite(self):
        self.how = "answer"
        c = self.dial()
        self.run(300)
        if c:
            self.device.do(c.hold, True, self.world.now)
            self.run(500)
            self.device.do(c.hold, False, self.world.now)
        self.run(500)
        self.hangup(c)
        self.run(500)

    def s_reinvited(self):
        self.ring()
        c = self.device.incoming
        if c:
            self.device.do(c.answer, self.world.now)
        self.run(300)
        t = self.theirs
        if t and t.state == b"E":
            t.hold(True, self.world.now)
            self.run(500)
            t.hold(False, self.world.now)
        self.run(500)
        self.hangup(c)
        self.run(500)

    def s_message_out(self):
        d = self.device
        d.do(send, d.agent, FRIEND, b"Somebody is at the door", self.world.now)
        self.run(1000)

    def s_message_in(self):
        send(self.friend.agent, b"sip:door@192.0.2.1", b"Come in", self.world.now)
        self.run(1000)

    def s_options(self):
        ping(self.friend.agent, b"sip:door@192.0.2.1", self.world.now)
        self.run(1000)
        d = self.device
        d.do(ping, d.agent, FRIEND, self.world.now)
        self.run(1000)

    # --- what has to be true afterwards ---

    def settle(self):
        """Time passes until all that SIP knows has timed out."""
        self.run(SETTLE, self.idle)

    def idle(self):
        return not self.device.busy() and not self.friend.busy() and self.registered()

    def check(self):
        d = self.device
        assert not d.busy(), "left: " + d.busy()
        assert not self.friend.busy(), "friend: " + self.friend.busy()
        assert self.registered(), "not registered: " + str(d.registration.state)
        assert not d.open, "%d sockets left" % d.open
        assert not d.host.n

    def again(self):
        """Everything works."""
        d = self.device
        now = self.world.now
        self.status = 0
        d.digits = b""
        d.incoming = None
        send(self.friend.agent, b"sip:door@192.0.2.1", b"Still there?", now)
        self.run(200)
        assert self.status == 200, "a text was answered %d" % self.status
        self.s_call_in()
        assert d.digits == b"7", "the next call"
        self.how = "answer"
        self.heard = b""
        self.s_call_out()
        assert self.heard == b"5", "the call after"
        self.settle()
        self.check()


SCENARIOS = [x[2:] for x in sorted(dir(Town)) if x[:2] == "s_"]


def tried(town, name, at, left, more):
    """One scenario with one failure; whether memory ran out."""
    host = town.device.host
    host.entries = 0
    host.at = at
    host.left = left
    host.more = more
    host.until = host.failed = None
    getattr(town, "s_" + name)()
    if host.until is not None:
        town.run(more)
    host.at = -1
    host.until = None
    host.entries = 0
    failed = host.failed
    town.settle()
    town.check()
    town.again()
    return failed


def entries(name):
    """What each entry into the core needs in this scenario."""
    town = Town()
    # The first time loads what is loaded when it is needed.
    getattr(town, "s_" + name)()
    town.settle()
    town.world.random.x = 1
    host = town.device.host
    host.entries = 0
    host.measure = []
    getattr(town, "s_" + name)()
    needs = host.measure
    host.measure = None
    town.settle()
    town.check()
    return needs


def try_all(name, every=1, more=0, keep_going=False):
    """(points, of these those where memory ran out, faults)"""
    needs = entries(name)
    town = None
    points = failures = faults = 0
    phase = 0
    for at in range(len(needs)):
        for left in range(phase, needs[at] + 1, every):
            if not town:
                town = Town()
                getattr(town, "s_" + name)()
                town.settle()
            points += 1
            town.world.random.x = 1
            failed = None
            try:
                failed = tried(town, name, at, left, more)
            except Exception as e:
                faults += 1
                where = town.device.host.failed
                text = "%s entry %d of %d, %d of %d, %d ms: %r at %r" % (
                    name, at, len(needs), left, needs[at], more, e, where)  # fmt: skip
                print("FAULT", text)
                if keep_going < faults:
                    if hasattr(sys, "print_exception"):
                        sys.print_exception(e)
                        raise SystemExit(1)
                    raise
                town = None
                failed = True
            failures += bool(failed)
        phase = (phase + 3) % every  # other points in the next
    gc.collect()
    return points, failures, faults


def main(args):
    every, more, keep = int(args[0]), int(args[1]), int(args[2])
    total = bad = 0
    for name in args[3:] or SCENARIOS:
        points, failures, faults = try_all(name, every, more, keep)
        total += points
        bad += faults
        print(
            "%-20s %6d points, memory ran out at %6d, faults %d" % (name, points, failures, faults)
        )
    print("in all %d points, %d faults" % (total, bad))
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
