# usip: the pump's 20 ms, on a clock of the test's: what it does when time was lost, and when the
# sound device's clock is not the processor's

import asyncio
import gc

import usip.pump as pumps
from phonenet import Endpoint, Lan, Net, run
from usip.pump import Pump

HEAPS = 2  # each packet is noted


class Told:
    def __init__(self):
        self.faults = []

    def alive(self):
        pass

    def silent(self):
        pass

    def fault(self, e):
        self.faults.append(e)


class Media:
    payload_type = 8
    event_type = event_type_in = 101
    direction = "sendrecv"
    host = b"192.0.2.9"
    port = rtcp = 4000


class Device:
    """A sound device; `slower` is what it says of its pace. `work(frame)` is done in each."""

    def __init__(self, slower=0):
        self.slower = slower
        self.read = self.played = 0
        self.work = None

    def start(self):
        pass

    def stop(self):
        pass

    def readinto(self, pcm):
        self.read += 1

    def write(self, pcm):
        self.played += 1
        if self.work:
            self.work(self.played)

    def pace(self):
        return self.slower


class Clock:
    """Time passes while the pump sleeps, and when the test says so. Of each packet of sound that
    was sent: when, its number, its timestamp's lower half, its marker."""

    def __init__(self, device):
        self.t = 0
        self.at, self.seq, self.ts, self.marker = [], [], [], []
        lan = Lan()
        net = Net(lan, b"192.0.2.1")
        endpoint = Endpoint(net, 16384)
        lan.endpoints.append(endpoint)
        endpoint.sendto = self.note
        self.user = Told()
        self.device = device
        self.pump = p = Pump(net)
        p.begin(endpoint, b"192.0.2.1", device, self.user)
        p._task = True  # the test is the loop
        p.agree(Media, Media.host)
        p.take(device)

    def note(self, data, address):
        if data[1] & 127 == 8:
            self.at.append(self.t)
            self.seq.append(data[2] << 8 | data[3])
            self.ts.append(data[6] << 8 | data[7])
            self.marker.append(data[1] >> 7)

    def now(self):
        return self.t + 0x3FFFFF00 & 0x3FFFFFFF  # it wraps soon

    async def sleep_ms(self, ms):
        self.t += ms
        await asyncio.sleep(0)

    def run(self, frames):
        """Until so many frames were played; the milliseconds that it took."""
        start = self.t
        before = pumps.now, pumps.sleep_ms
        pumps.now, pumps.sleep_ms = self.now, self.sleep_ms
        work = self.device.work

        def last(n):
            if work:
                work(n)
            if n == frames:
                self.pump._life += 1

        self.device.work = last
        try:
            run(self.pump._run, self.pump._life)
        finally:
            pumps.now, pumps.sleep_ms = before
        assert not self.user.faults, self.user.faults
        return self.t - start


def gaps(values, wrap):
    return [b - a & wrap for a, b in zip(values, values[1:])]


def test_every_20_ms():
    c = Clock(Device())
    assert c.run(200) == 199 * 20
    assert len(c.at) == 200 and gaps(c.at, 0xFFFF) == [20] * 199
    assert gaps(c.ts, 0xFFFF) == [160] * 199 and sum(c.marker) == 1


def test_a_late_task_skips_and_never_bursts():
    device = Device()
    c = Clock(device)

    def stall(n):
        if n in (50, 120):
            c.t += 300 if n == 50 else 59

    device.work = stall
    c.run(200)
    assert gaps(c.seq, 0xFFFF) == [1] * (len(c.seq) - 1)
    # 300 ms are over: what would have been sent is left out, and time goes on where it is. Two
    # packets close together are no burst: those of the last 40 ms are sent, here and after 59 ms.
    ms = gaps(c.at, 0xFFFF)
    ts = gaps(c.ts, 0xFFFF)
    assert max(ms) == 300 and sum([x < 20 for x in ms]) <= 4, ms
    jumps = [i for i in range(len(ts)) if ts[i] != 160]
    assert len(jumps) == 1 and ms[jumps[0]] == 300 and ts[jumps[0]] >= 160 * 13, (jumps, ts)
    assert c.marker[jumps[0] + 1] == 1 and sum(c.marker) == 2
    # In the end the timestamps say how much time has passed.
    assert abs(sum(ts) - 8 * (c.at[-1] - c.at[0])) <= 320
    # The microphone's old frames were taken all the same.
    assert device.read > device.played


def test_the_sound_devices_clock_sets_the_pace():
    for slower in (1, 0, -1):
        gc.collect()
        c = Clock(Device(slower))
        took = c.run(110)  # it was asked twice
        assert took == 109 * 20 + 2 * slower, (slower, took)
        assert len(c.at) == 110
