# usip tests: what a stranger whose address is forged gets out of a phone that talks to anybody:
# fewer bytes than it has sent, whatever it sends; and who is there is served all the same
# MIT licence; Copyright (c) 2026 the usip authors

from endpoint import End
from fakenet import World
from sip import SDP
from strangers import DOOR, KINDS, SPEC, VICTIM, Door, spoofed
from usip import limits

HEAPS = 2  # there may be two endpoints in it

AFTER_MS = 240_000  # longer than it rings, and than all retransmissions


class Forger:
    """Sends in the victim's name, and counts what the victim gets."""

    def __init__(self, auto=0):
        self.world = World(keep_log=False)
        self.world.drop = self._seen
        self.door = Door(self.world)
        self.door.auto = auto
        self.host = self.world.host(VICTIM)
        self.bytes = self.packets = 0
        self.got = [0, 0]
        self.elsewhere = 0

    def send(self, data):
        self.bytes += len(data)
        self.packets += 1
        self.host.send((DOOR, 5060), data)

    def _seen(self, source, to, data):
        if source[0] != DOOR:
            return False
        if to[0] != VICTIM:
            self.elsewhere += 1
            return False
        self.got[0] += len(data)
        self.got[1] += 1
        return True  # there is nobody at home

    def ratio(self):
        self.world.run(AFTER_MS)
        assert not self.door.busy(), self.door.busy()
        bytes_, packets = self.got
        assert bytes_ <= self.bytes, (bytes_, self.bytes)
        # and on the wire, with IP and UDP
        return (bytes_ + 28 * packets) / (self.bytes + 28 * self.packets)


def _kind(make, n, every_ms, auto=0):
    f = Forger(auto)
    for i in range(n):
        f.send(make(i))
        f.world.run(every_ms)
    return f.ratio()


def test_one_of_each():
    for auto in (0, 200, 603):
        for name in KINDS:
            r = _kind(KINDS[name], 1, 0, auto)
            print(name, auto or "rings", "%.3f" % r)
            assert r < 1, (name, auto, r)


def test_the_same_again():
    # as if its answer was lost: each time there is more to spare
    for auto in (0, 200):
        for name in KINDS:
            r = _kind(lambda n: KINDS[name](1), 6, 700, auto)  # noqa: B023
            assert r < 1, (name, auto, r)


def test_a_minute_of_each():
    for name in KINDS:
        r = _kind(KINDS[name], 240, 250)
        print(name, "%.3f" % r)
        assert r < 1, (name, r)


def test_a_minute_of_all():
    names = sorted(KINDS)
    for auto in (0, 200, 603):
        r = _kind(lambda n: KINDS[names[n % len(names)]](n), 600, 100, auto)
        print("all", auto or "rings", "%.3f" % r)
        assert r < 1, r


def test_a_cancel_that_is_forged_too():
    f = Forger()
    for n in range(limits.STRANGER_TRANSACTIONS):
        f.send(spoofed(n, b"INVITE", SPEC, SDP))
        f.world.run(300)
        f.send(spoofed(n, b"CANCEL"))
        f.world.run(2000)
    r = f.ratio()
    assert 0 < r < 1, r
    assert f.door.events.count("incoming") == limits.STRANGER_TRANSACTIONS


def test_an_ack_that_is_forged_too():
    # It has the right branch, and not our tag: nobody has seen the 200 there.
    f = Forger(auto=200)
    f.send(spoofed(1, b"INVITE", SPEC, SDP))
    f.world.run(100)
    for tag in (b"", b";tag=guessed"):
        f.send(spoofed(1, b"ACK", you=b"<sip:door@192.0.2.1>" + tag))
        f.world.run(100)
    assert "answered" not in f.door.events
    r = f.ratio()
    assert 0 < r < 1, r


def test_a_bye_to_a_third():
    # A 200 that nobody acknowledges is followed by a BYE, to whomever the INVITE named.
    f = Forger(auto=200)
    third = b"198.51.100.77"
    for n in range(4):
        f.send(spoofed(n, b"INVITE", (b"Contact", b"<sip:x@%s>" % third), SDP))
        f.world.run(60_000)
    f.world.run(AFTER_MS)
    assert not f.door.busy()
    assert f.elsewhere == 0 and f.got[0] > 0


def _call(loss=0, seed=1, forged=False, **how):
    """A call of somebody who is there; whether it went through, and the caller."""
    world = World(seed, loss)
    door = Door(world, **how)
    x = End(world, b"198.51.100.5", b"x")
    if forged:  # with all else that is on its way
        y = world.host(VICTIM)
        for n in range(400):
            y.send((DOOR, 5060), spoofed(n, b"INVITE", SPEC, SDP))
            world.step()
    x.dial(b"sip:door@" + DOOR)
    good = world.run(20_000, lambda: door.call and "ringing" in x.events)
    if good:
        door.call.answer(world.now)
        good = world.run(40_000, lambda: door.call.state == b"E" and x.call.state == b"E")
    if good:
        x.call.hangup(world.now)
        world.run(AFTER_MS)
    x.call.abandon(world.now)  # there is no sound here that would tell it that the door has gone
    world.run(AFTER_MS)
    assert not door.busy(), door.busy()
    return good, x, door


def test_who_is_there_gets_through():
    good, x, door = _call()
    # An INVITE of 640 bytes has to come twice before it is answered.
    log = [d for d in x.world.log if d[2] == (DOOR, 5060) and d[3][:6] == b"INVITE"]
    assert len(log) == 2, len(log)
    assert good and x.call.code == 200 and door.call.code == 200
    assert door.guard.spare((b"198.51.100.5", 5060)) is None  # known from now on
    done = 0
    for seed in range(20):
        done += _call(10, seed)[0]
    assert done >= 16, done  # each of the two 200s that it can pay for may get lost


def test_whom_we_called_is_known():
    world = World()
    door = Door(world)
    x = End(world, b"198.51.100.5", b"x")
    door.dial(b"sip:x@198.51.100.5")
    world.run(5000, lambda: x.call)
    x.call.reject(world.now)
    world.run(60_000)
    assert door.guard.spare((b"198.51.100.5", 5060)) is None
    # No half second of silence, then.
    x.dial(b"sip:door@" + DOOR)
    began = world.t
    assert world.run(5000, lambda: "ringing" in x.events) and world.t - began < 200


def test_strangers_leave_room():
    # As many INVITEs as there are: four places in the table, and one call where one is kept free.
    f = Forger()
    agent = f.door.agent
    agent.trusted.append((b"192.0.2.5", 5060))
    most = 0
    for n in range(300):
        f.send(spoofed(n, b"INVITE", SPEC, SDP))
        f.world.run(20)
        most = max(most, len(agent.transactions))
    assert 0 < most <= limits.STRANGER_TRANSACTIONS
    assert len(f.door.calls.active()) == limits.CALLS - 1
    # The registrar's side rings at once.
    home = End(f.world, b"192.0.2.5", b"home")
    home.dial(b"sip:door@" + DOOR)
    began = f.world.t
    assert f.world.run(1000, lambda: "ringing" in home.events), home.events
    assert f.world.t - began < 200
    assert f.ratio() < 1


def test_the_known_go_first():
    # Whatever strangers ring or got for an answer, it ends when somebody who is known calls.
    for auto in (0, 200):
        f = Forger(auto)
        for n in range(limits.CALLS + 1):
            f.send(spoofed(n, b"INVITE", SPEC, SDP))
        f.world.run(3000)
        assert f.door.events.count("incoming") == limits.CALLS
        x = End(f.world, b"198.51.100.5", b"x")
        f.door.guard.know((b"198.51.100.5", 5060))
        x.dial(b"sip:door@" + DOOR)
        f.door.auto = 0
        assert f.world.run(1000, lambda: "ringing" in x.events), x.events  # noqa: B023
        assert f.door.events.count("ended") == 1
        # but not when they have shown that they are there
        y = End(f.world, b"198.51.100.6", b"y")
        f.door.call.answer(f.world.now)
        f.world.run(1000)
        y.dial(b"sip:door@" + DOOR)
        f.world.run(3000)
        assert x.call.state == b"E" and y.call.code == 486
        x.call.hangup(f.world.now)
        assert f.ratio() < 1
