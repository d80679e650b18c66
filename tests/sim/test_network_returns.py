# usip: Wi-Fi goes and comes back: how soon a device is registered again, and what becomes of a call
# MIT licence; Copyright (c) 2026 the usip authors

from endpoint import End, Home
from fakenet import World
from usip import limits

HEAPS = 2  # three devices
HERE = b"192.0.2.1"
ELSEWHERE = b"192.0.2.77"


class Town:
    """Two devices that are registered; `door` is the one whose network goes."""

    def __init__(self, seed=1):
        limits.PROBE_MS = 90_000
        self.world = w = World(seed, keep_log=False)
        self.home = Home(w, {b"door": b"secret", b"flat": b"geheim"})
        self.door = End(w, HERE, b"door", b"secret")
        self.flat = End(w, b"203.0.113.2", b"flat", b"geheim")
        for end in (self.door, self.flat):
            end.registration.start(w.now)
        assert w.run(5000, lambda: self.registered(self.door) and self.registered(self.flat))

    def registered(self, end):
        return end.registration.state == b"A"

    def lose(self, hard):
        if hard:
            self.door.host.cable = False
        else:
            self.door.host.air = False

    def back(self, told=True, ip=None):
        host = self.door.host
        host.cable = host.air = True
        if ip:
            host.move(ip)
        if told:  # as Phone.reregister() does
            self.door.registration.start(self.world.now)
            self.door.calls.moved(self.world.now)

    def again(self):
        """Milliseconds until the door is registered."""
        t = self.world.t
        assert self.world.run(120_000, lambda: self.registered(self.door))
        return self.world.t - t


def test_registered_again():
    # Whatever it knew of the loss: when the system tells it, or when nothing could leave it.
    worst = {}
    for hard, told in ((True, True), (False, True), (True, False)):
        for seed, ms in enumerate((300, 3000, 10_000, 40_000, 100_000, 600_000)):
            town = Town(seed)
            town.lose(hard)
            town.door.registration.start(town.world.now)  # a refresh was due
            town.world.run(ms)
            assert not town.registered(town.door)
            town.back(told, ELSEWHERE if told and seed & 1 else None)
            key = (hard, told)
            worst[key] = max(worst.get(key, 0), town.again())
    print("registered again after at most (hard, told) ms:", worst)
    assert max(worst.values()) < 5000, worst


def test_nobody_tells_and_nothing_answers():
    # All that is sent is lost in silence: as with a registrar that died, within a minute.
    for ms in (20_000, 600_000):
        town = Town()
        town.lose(False)
        town.door.registration.start(town.world.now)
        town.world.run(ms)
        town.back(False)
        assert town.again() < 60_000


def test_the_first_try_fails():
    # Told too early: the first REGISTER is lost or cannot be sent; the next comes in 1-2 s.
    for hard in (True, False):
        town = Town()
        town.lose(hard)
        town.world.run(5000)
        town.door.registration.start(town.world.now)
        town.world.run(500)
        town.back(False)
        assert town.again() < 2500


def in_a_call(seed, we_called):
    town = Town(seed)
    w = town.world
    a, b = (town.door, town.flat) if we_called else (town.flat, town.door)
    a.dial(b"sip:u@" + b.ip)
    assert w.run(1000, lambda: b.call)
    b.call.answer(w.now)
    assert w.run(1000, lambda: a.call.state == b.call.state == b"E")
    return town


def test_a_call_survives_ten_seconds():
    seed = 0
    for hard in (True, False):
        for we_called in (True, False):
            for ip in (None, ELSEWHERE):
                seed += 1
                town = in_a_call(seed, we_called)
                w = town.world
                door = town.door.call
                flat = town.flat.call
                if seed & 1:  # it is in the middle of something
                    flat.hold(True, w.now)
                    w.run(10)
                town.lose(hard)
                w.run(10_000)
                town.back(True, ip)
                w.run(20_000)
                assert door.state == flat.state == b"E", (hard, we_called, ip)
                assert flat.sdp.remote.host == (ip or HERE)
                if seed & 1:
                    assert (flat.sdp.remote.direction, door.held) == ("sendonly", True)
                # The one who stayed finds the one who moved.
                flat.hangup(w.now)
                w.run(2000)
                assert door.state == flat.state == b"X" and door.code == flat.code == 200
                w.run(2 * limits.TIMEOUT)
                assert not town.door.busy() and not town.flat.busy()


def test_a_call_ends_cleanly():
    # It does not come back: both sides find out and keep nothing.
    for hard in (True, False):
        for we_called in (True, False):
            town = in_a_call(3, we_called)
            w = town.world
            town.lose(hard)
            w.run(limits.PROBE_MS + 3 * limits.TIMEOUT)
            assert town.flat.call.state == b"X" and not town.flat.busy()
            assert town.flat.call.remote_ended
            w.run(limits.PROBE_MS + 3 * limits.TIMEOUT)
            town.back()
            w.run(3 * limits.TIMEOUT)
            assert town.door.call.state == b"X" and not town.door.busy()
            assert town.registered(town.door)


def test_bye_in_a_gap():
    # Hung up while there is no network: the other hears of it when there is one again.
    for hard in (True, False):
        town = in_a_call(4, True)
        w = town.world
        town.lose(hard)
        w.run(100)
        town.door.call.hangup(w.now)
        w.run(5000)
        assert town.flat.call.state == b"E"
        town.back()
        w.run(5000)
        assert town.flat.call.state == town.door.call.state == b"X"
        assert town.flat.call.remote_ended and town.flat.call.code == 200
