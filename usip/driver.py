# usip: gives an agent its sockets and its clock, on asyncio
# MIT licence; Copyright (c) 2026 the usip authors

import asyncio

from . import limits
from .clock import later, left
from .names import Names

try:
    from time import ticks_ms

    def now():
        """Milliseconds modulo 2**30."""
        return ticks_ms() & 0x3FFFFFFF

except ImportError:  # CPython
    from time import monotonic_ns

    def now():
        """Milliseconds modulo 2**30."""
        return monotonic_ns() // 1_000_000 & 0x3FFFFFFF


_DROPS = 8  # datagrams that are dropped before the others have their turn

sleep_ms = getattr(asyncio, "sleep_ms", None)  # wants no memory, which sleep() does
if not sleep_ms:  # CPython

    def sleep_ms(ms):
        return asyncio.sleep(ms / 1000)


def _ignore(e):
    pass


async def ring(ms, f):
    """Call `f` in `ms` milliseconds: a task of its own. Not asyncio.wait_for(): where memory runs
    out within that, MicroPython's leaves a task behind which later cancels who waited."""
    try:
        await sleep_ms(ms)
    except MemoryError:
        pass  # too early is better than never
    f()


class UdpFlow:
    """One remote address seen from one UDP socket."""

    transport = b"UDP"
    reliable = False

    def __init__(self, endpoint, address, remote, local):
        self.endpoint = endpoint
        self.address = address  # as the port's sockets want it
        self.remote = remote
        self.local = local

    def send(self, data):
        return self.endpoint.sendto(data, self.address)


class RtpFlow:
    """What the trace is shown of a media socket."""

    transport = b"RTP"
    reliable = False

    def __init__(self, local, remote):
        self.local = local
        self.remote = remote


class Driver:
    """Runs one agent: `net` is the port's sockets, `bind` a (host, port) or None for any."""

    def __init__(self, net, bind=None):
        self.net = net
        self.bind = bind or (None, 5060)
        self.agent = None
        self.endpoint = None
        self.fault = _ignore  # fault(exception): something below raised what it must not
        self._flows = {}
        self.names = Names(net)
        self._wake = None  # made by start(): CPython 3.9 ties an Event to the loop of the moment
        self.tasks = []
        self.turns = 0  # of the task that looks at the deadlines
        self._alarm = None  # the task that wakes _time() ...
        self._alarm_at = 0  # ... then
        self._buf = None
        self._port = 0  # of the next call's sound, counted from limits.RTP_PORT
        self._passed = 0  # datagrams since the others had their turn

    def start(self, agent):
        """Bind and begin to serve `agent`. OSError when the port is taken."""
        self.endpoint = self.net.udp(self.bind[0], self.bind[1])
        self.agent = agent
        self._buf = bytearray(limits.DATAGRAM_MAX)
        self._wake = asyncio.Event()
        self.serve()

    def serve(self):
        """Serve with new tasks: on MicroPython Ctrl-C ends whichever task it finds running."""
        self._cancel()
        self.tasks = [asyncio.create_task(self._read()), asyncio.create_task(self._time())]

    def _cancel(self):
        for t in self.tasks:
            t.cancel()
        self.tasks = []
        self._quiet()

    def _quiet(self):
        if self._alarm:
            self._alarm.cancel()
            self._alarm = None

    def close(self):
        self._cancel()
        if self.endpoint:
            self.endpoint.close()
            self.endpoint = None
        self._flows = {}

    def flow(self, host, port, transport=b"UDP"):
        """The flow to an address, None when it cannot be reached. Nothing waits for a name here:
        only those that were looked up before are known.
        """
        if transport != b"UDP" or not self.endpoint:
            return None
        return self._flow(self.names.address(host, port))

    def _flow(self, address, remote=None):
        if address is None:
            return None
        # the port's own form may be unhashable
        remote = remote or self.net.readable_address(address)
        f = self._flows.get(remote)
        if not f:
            if len(self._flows) >= limits.FLOWS:
                # they are only a cache: two flows to one address are as good as one
                self._flows.clear()
            local = (self.net.local_for(address, self.bind[0]), self.endpoint.port)
            f = self._flows[remote] = UdpFlow(self.endpoint, address, remote, local)
        return f

    def media(self, bound):
        """A socket for the sound of a call, on an even port. OSError: there is none."""
        # Each call has another port than the last one: who has not heard of the end of that sends
        # on, and this one would take him for its peer.
        for n in range(limits.RTP_PORTS, 0, -1):
            port = limits.RTP_PORT + 2 * self._port
            self._port = (self._port + 1) % limits.RTP_PORTS
            try:
                return self.net.udp(bound, port)
            except OSError:
                if n == 1:
                    raise

    def moved(self):
        """The network came back: our address may have changed."""
        self._flows.clear()

    def kick(self):
        """The application did something: look at the deadlines again."""
        if self._wake:
            self._wake.set()

    async def _read(self):
        ep = self.endpoint
        view = memoryview(self._buf)
        n = 0
        while True:
            try:
                await ep.readable()
                while n is not None:
                    try:
                        n = self._one(ep, view)
                    except Exception as e:
                        self.failed(e)
                    # A flood must leave room for timers and sound. What was dropped cost little.
                    self._passed += 1
                    if self._passed > _DROPS or not n:
                        self._passed = 0
                        await sleep_ms(0)
            except Exception as e:  # not even memory to wait with
                self.failed(e)
                await sleep_ms(100)
            n = 0
            self._wake.set()

    def _one(self, ep, view):
        # Read and handle one datagram; None when there is none.
        n = ep.readinto(self._buf)
        # One that fills the buffer was probably cut: better no message than half of one.
        if n and n < len(view):
            agent = self.agent
            remote = self.net.readable_address(ep.source)
            t = now()
            if not agent.guard or agent.guard.admits(self._buf, n, remote, t):
                agent.receive(bytes(view[:n]), self._flow(ep.source, remote), t)
                self._passed = _DROPS
                # Not only when there is no more to read: in a flood there always is.
                self._wake.set()
        return n

    async def _time(self):
        wake = self._wake
        while self.endpoint:
            wake.clear()
            self.turns = self.turns + 1 & 0xFFFF
            try:
                ms = self.agent.poll(now())
                if ms == 0:
                    await sleep_ms(0)
                    continue
                if ms is None:
                    self._quiet()
                else:
                    self._set(ms)
                await wake.wait()
            except Exception as e:
                self.failed(e)
                await sleep_ms(100)

    def _set(self, ms):
        # One that rings too early costs a look at the deadlines; a new one each time costs more.
        t = now()
        if self._alarm:
            d = left(self._alarm_at, t)
            if 0 < d <= ms:
                return
            self._quiet()
        self._alarm_at = later(t, ms)
        self._alarm = asyncio.create_task(ring(ms, self._rung))

    def _rung(self):
        self._alarm = None
        self._wake.set()

    def failed(self, e):
        """What the network sends never raises below: this is our bug, the application's, or there
        is no memory. The phone lives on and says so. Raises nothing."""
        try:
            self.fault(e)
        except Exception:
            pass  # the application's listener, which has raised already
