"""How often a registered phone wakes up when nothing happens, on the virtual clock of the tests:
for the refresh, behind a NAT for the keep-alive, for nothing else."""

import os
import sys
import time

from table import ROOT, Missing

from usip.clock import later, left

MINUTES = 24 * 60


class Watched:
    """Stands between the fake network and an agent and counts what would wake a processor: a
    datagram that comes, a deadline that is due. The fake network asks oftener than that."""

    def __init__(self, agent):
        self.agent = agent
        self.wakes = 0
        self.cpu = 0
        self.due = None

    def receive(self, data, flow, now):
        self.wakes += 1
        t = time.perf_counter()
        self.agent.receive(data, flow, now)
        self._poll(now)
        self.cpu += time.perf_counter() - t

    def poll(self, now):
        if self.due is None or left(self.due, now) <= 0:
            self.wakes += 1
            t = time.perf_counter()
            self._poll(now)
            self.cpu += time.perf_counter() - t
        return None if self.due is None else max(left(self.due, now), 0)

    def _poll(self, now):
        ms = self.agent.poll(now)
        self.due = None if ms is None else later(now, ms)


def day(nat):
    """(wake-ups, CPU seconds) of a day after the phone has registered."""
    sys.path.insert(0, os.path.join(ROOT, "tests", "support"))
    from endpoint import End, Home
    from fakenet import World

    world = World(keep_log=False)
    Home(world, {b"door": b"ding"})
    door = End(world, b"192.0.2.9", b"door", b"ding")
    if nat:
        world.nat(door.host, b"198.51.100.7")
    door.registration.start(world.now)
    world.run(60_000)
    if door.registration.state != b"A" or bool(door.agent.public) != nat:
        raise Missing("the phone did not register")
    door.host.agent = watched = Watched(door.agent)
    world.run(MINUTES * 60_000)
    return watched.wakes, watched.cpu


def measure(out):
    for name, nat in (("idle_wakeups_per_min", False), ("idle_wakeups_per_min_nat", True)):
        wakes, cpu = day(nat)
        how = "a day registered for an hour at a time, virtual clock"
        how += ", behind a NAT: CRLF every 25 s" if nat else ""
        out.add(name, wakes / MINUTES, "per minute", f"{how}; {wakes} wake-ups a day")
        if not nat:
            out.add("idle_cpu_ms_per_hour", cpu * 1000 / 24, "ms", "CPython, the same day")
