# usip: tests of Wi-Fi that comes back
# MIT licence; Copyright (c) 2026 the usip authors

import asyncio

import fakemachine
import fakenetwork
from fakenetwork import WLAN
from passing import fresh, go, patch
from phonenet import run

fakenetwork.install()

from usip_micropython import wifi  # noqa: E402  (needs `network`)
from usip_micropython.wifi import Wifi  # noqa: E402

patch(wifi)


class Net:
    host = None


class Phone:
    """What Wifi wants of one."""

    def __init__(self, net):
        self.net = net
        self.registered = []  # (ms, address)
        self.talking = []
        self.calls = self

    def active(self):
        return self.talking

    def reregister(self):
        self.registered.append((fakemachine.ms(), self.net.host))


async def runs(*steps):
    fresh()
    fakenetwork.script[:] = steps
    WLAN.can_save = True
    net = Net()
    phone = Phone(net)
    w = Wifi("home", "key", net, hostname="door", idle=WLAN.PM_PERFORMANCE)
    task = asyncio.create_task(w.run(phone))
    return w, phone, task


async def joins():
    w, phone, task = await runs("ok")
    await go(3000, 20)
    assert w.up and phone.net.host == "192.0.2.7" and w.joins == 1 and WLAN.name == "door"
    assert [x[1] for x in phone.registered] == ["192.0.2.7"]
    assert w.wlan.settings == [1]
    # A call: awake within a second, and asleep again afterwards.
    phone.talking = ["call"]
    await go(1000, 20)
    assert w.wlan.settings == [1, 0]
    phone.talking = []
    await go(1000, 20)
    assert w.wlan.settings == [1, 0, 1]
    task.cancel()


def test_joins_and_is_awake_in_calls():
    run(joins)


async def comes_back():
    w, phone, task = await runs("ok", "stuck", "error", "wrong", "noaddr", "ok")
    await go(3000, 20)
    w.wlan.lose()
    w.wlan.address = "192.0.2.88"
    began = fakemachine.ms()
    while len(phone.registered) < 2:
        assert fakemachine.ms() - began < 150_000
        await go(500, 20)
    assert w.losses == 1 and w.joins == 2 and phone.registered[1][1] == "192.0.2.88"
    assert w.wlan.tries == 6 and w.failures == 0
    assert w.wlan.log == ["on", "off", "on"]  # after three failures the radio was switched off
    # The radio has forgotten what it was told about power.
    phone.talking = ["call"]
    await go(1000, 20)
    assert w.wlan.settings[-1] == 0
    task.cancel()


def test_comes_back():
    run(comes_back)


async def a_start_without_a_radio():
    fresh()
    fakenetwork.script[:] = ["error"] * 4 + ["ok"]
    net = Net()
    w = Wifi("home", "key", net)
    turns = []

    async def other():
        while True:
            turns.append(fakemachine.ms())
            await wifi._sleep_ms(100)

    tasks = [asyncio.create_task(x) for x in (other(), w.joined())]
    while net.host is None:
        assert fakemachine.ms() < 60_000
        await go(500, 20)
    await go(200, 20)
    assert tasks[1].done() and w.joins == 1 and w.failures == 0 and w.wlan.tries == 5
    # connect() raised at once, and others had their turns all the same.
    assert len(turns) > 100 and w.wlan.log == ["on", "off", "on"]
    await w.joined()
    assert w.joins == 1
    tasks[0].cancel()


def test_a_start_without_a_radio():
    run(a_start_without_a_radio)


async def another_address():
    w, phone, task = await runs("ok")
    await go(3000, 20)
    w.wlan.address = "192.0.2.9"  # DHCP, with the link up all the time
    await go(2000, 20)
    assert [x[1] for x in phone.registered] == ["192.0.2.7", "192.0.2.9"]
    assert w.losses == 0 and w.wlan.tries == 1
    task.cancel()


def test_another_address():
    run(another_address)


async def missed_beacon():
    w, phone, task = await runs("ok")
    await go(3000, 20)
    up = WLAN.isconnected
    WLAN.isconnected = lambda self: False
    await go(600, 20)
    WLAN.isconnected = up
    await go(5000, 20)
    assert w.losses == 0 and w.wlan.tries == 1 and len(phone.registered) == 1
    task.cancel()


def test_a_missed_beacon_is_no_loss():
    run(missed_beacon)


async def cannot_save():
    w, phone, task = await runs("ok")
    WLAN.can_save = False
    phone.talking = ["call"]
    await go(5000, 20)
    assert w.up and len(phone.registered) == 1 and not task.done()
    task.cancel()


def test_firmware_without_power_save():
    run(cannot_save)


async def backs_off():
    w, phone, task = await runs(*["wrong"] * 30)
    await go(200_000, 20)
    # 20 s each, and pauses that double: no storm, and no end.
    assert 4 <= w.wlan.tries <= 9 and not task.done()
    assert w.wlan.tries - w.failures in (0, 1)  # the last one goes on, or a pause does
    task.cancel()


def test_backs_off():
    run(backs_off)
