# usip: tests of pins: what buttons, wires and relays of boards do wrong
# MIT licence; Copyright (c) 2026 the usip authors

import asyncio

import fakemachine
from fakemachine import PWM, Pin, Timer, step
from passing import fresh, go, patch
from phonenet import run

fakemachine.install()

from usip.clock import later  # noqa: E402
from usip_micropython import gpio  # noqa: E402  (needs `machine`)
from usip_micropython.gpio import BellWire, Button, Lamp, Relay, Ringer  # noqa: E402

patch(gpio)


def play(pin, text):
    """Levels of a pin: "0:40 1:3 0:2" is low for 40 ms, high for 3, low for 2."""
    for part in text.split():
        level, n = part.split(":")
        pin.drive(int(level))
        step(int(n))


# name: what the pin does, presses, value at the end
BUTTON = {
    "a press": ("0:100 1:100", 1, 0),
    "held": ("0:2000", 1, 1),
    "two": ("0:100 1:100 0:100 1:100", 2, 0),
    "chatter when it goes down": ("0:2 1:1 0:3 1:2 0:1 1:1 0:100 1:100", 1, 0),
    "chatter when it comes up": ("0:100 1:2 0:3 1:1 0:2 1:100", 1, 0),
    "a break within": ("0:100 1:10 0:100 1:100", 1, 0),
    "a spike": ("0:3 1:100", 0, 0),
    "many spikes": ("0:3 1:20 " * 20 + "1:100", 0, 0),
    "short, with nobody looking": ("0:35 1:500", 1, 0),
}


def test_button():
    for name, (what, presses, value) in BUTTON.items():
        for flip in (0, 1):
            fresh()
            b = Button(4, down=flip)
            b.pin.level = 1 - flip
            if flip:
                what = what.replace("0:", "x:").replace("1:", "0:").replace("x:", "1:")
            play(b.pin, "%d:50 %s" % (1 - flip, what))
            assert b.value == value and b.count == presses, (name, flip, b.count)
            assert b.pin.pull == (Pin.PULL_DOWN if flip else Pin.PULL_UP)


def test_button_stuck_at_the_start_is_no_press():
    fresh()
    fakemachine.shorted.add(4)
    b = Button(4)
    step(500)
    assert b.value == 1 and b.count == 0
    play(b.pin, "1:100 0:100")
    assert b.value == 1 and b.count == 1


def test_button_whose_interrupt_got_lost():
    fresh()
    b = Button(4)
    step(50)
    b.pin.level = 0  # no edge is told
    assert b.value == 0
    step(40)
    assert b.value == 1 and b.count == 1


async def waits():
    fresh()
    b = Button(4)
    heard = []

    async def wait(who):
        await b.pressed()
        heard.append(who)

    tasks = [asyncio.create_task(wait(i)) for i in range(3)]
    await go(50)
    assert heard == []
    b.pin.drive(0)
    await go(29)
    assert heard == []
    await go(12)
    assert sorted(heard) == [0, 1, 2]  # all of them, 41 ms after it went down
    b.pin.drive(1)
    await go(100)
    play(b.pin, "0:50 1:50 0:50 1:50")  # with nobody waiting: one
    await wait(8)
    t = asyncio.create_task(wait(9))
    await go(100)
    assert heard[3:] == [8]
    play(b.pin, "0:50 1:50")
    await t
    play(b.pin, "0:50 1:50")
    b.clear()
    t = asyncio.create_task(wait(7))
    await go(100)
    assert heard[3:] == [8, 9]
    t.cancel()
    for t in tasks:
        await t
    b.close()
    assert b.pin.handler is None


def test_button_wakes():
    run(waits)


def ac(pin, hz, milliseconds):
    half = 500 // hz
    for _ in range(milliseconds // (2 * half)):
        play(pin, "0:%d 1:%d" % (half, half))


def test_bell_wire():
    for hz in (50, 100):
        fresh()
        b = BellWire(5)
        ac(b.pin, hz, 60)  # shorter than anybody presses
        step(300)
        assert b.count == 0
        ac(b.pin, hz, 1000)
        assert b.count == 1 and b.value == 1
        step(170)
        ac(b.pin, hz, 500)  # a loose contact
        assert b.count == 1
        step(300)
        assert b.value == 0
        ac(b.pin, hz, 200)
        assert b.count == 2


def test_bell_wire_that_was_quiet_for_days():
    day = 86_400_000
    for days in (1, 5, 7, 10, 12):
        for looks in (True, False):
            fresh()
            b = BellWire(5)
            ac(b.pin, 50, 400)
            step(300)
            if looks:
                assert b.value == 0
            fakemachine.freeze(later(fakemachine.ms(), days * day))
            assert b.value == 0
            ac(b.pin, 50, 400)
            assert b.count == 2 and b.value == 1, days
    # As long, and nobody asked before the next press.
    fresh()
    b = BellWire(5)
    ac(b.pin, 50, 400)
    fakemachine.freeze(later(fakemachine.ms(), 7 * day))
    ac(b.pin, 50, 400)
    assert b.count == 2


def test_bell_wire_is_not_rung_by_a_motor():
    fresh()
    b = BellWire(5)
    for _ in range(50):
        play(b.pin, "0:1 1:1 0:1 1:1 0:1 1:1 0:1 1:60")  # bursts of spikes
    play(b.pin, "0:5000 1:100")  # a short circuit
    for _ in range(50):
        play(b.pin, "0:2 1:39")  # 25 Hz is no mains
    assert b.count == 0 and b.value == 0


async def relay_pulses():
    fresh()
    r = Relay(12, Timer(0))
    assert r.pin.history == [(1000, 0)]
    await asyncio.gather(r.pulse(500), go(510))
    assert [x[1] for x in r.pin.history] == [0, 1, 0] and r.pin.history[2][0] == 1500
    # the longer of two that overlap
    await asyncio.gather(r.pulse(300), r.pulse(800), go(820))
    assert [x[1] for x in r.pin.history] == [0, 1, 0, 1, 0] and r.pulses == 3
    # cancelled, it does not stay open
    t = asyncio.create_task(r.pulse(5000))
    await go(100)
    assert r.value == 1
    t.cancel()
    await go(2)
    assert r.value == 0 and not Timer.running
    # nobody gets more than there is
    await asyncio.gather(r.pulse(60_000), go(10_020))
    assert r.value == 0 and r.pin.history[-1][0] - r.pin.history[-2][0] <= 10_001


def test_relay():
    run(relay_pulses)


def test_relay_is_switched_off_while_the_program_hangs():
    for on, faults in ((1, ()), (0, ()), (1, ("soft-timers",))):
        fresh(*faults)
        r = Relay(12, Timer(0), on=on, most_ms=4000)
        assert r.pin.history == [(1000, 1 - on)] and r.value == 0
        r.on()
        assert Timer.running[0].hard != bool(faults)
        step(3999)  # no task has its turn in this time
        assert r.value == 1
        step(2)
        assert r.value == 0 and r.cut == 1
        # each on() begins anew
        r.on()
        step(3000)
        r.on()
        step(3000)
        assert r.value == 1
        r.off()
        step(9000)
        assert r.cut == 1 and r.value == 0


def test_relay_is_switched_off_though_a_callback_gets_lost():
    fresh("soft-timers", "lost-timer")
    r = Relay(12, Timer(0), most_ms=4000)
    r.on()
    step(4001)
    assert r.value == 1  # the quirk is there
    step(4000)
    assert r.value == 0 and r.cut == 1
    r.off()
    assert not Timer.running


def test_relay_boots_off_before_it_is_an_output():
    fresh()
    Relay(12, Timer(0), on=0)
    assert fakemachine.pins[12].history == [(1000, 1)]  # never low
    fresh("one-timer")
    Relay(12, Timer(0))
    try:
        Relay(13, Timer(1))
        raise AssertionError
    except ValueError:
        pass  # no relay without its timer
    assert 13 not in fakemachine.pins


async def rings():
    fresh()
    p = PWM(Pin(7), freq=800, duty_u16=0)
    r = Ringer(pwm=p)
    r.ring((200, 100, 200, 500), times=2)
    await go(2500)
    on = [(t, hz) for t, hz, duty in p.heard if duty]
    assert len(on) == 4 and p.heard[-1][2] == 0
    assert [b[0] - a[0] for a, b in zip(on, on[1:])] == [300, 700, 300]
    assert {x[1] for x in on} == {800, 950}
    r.ring()
    await go(100)
    r.stop()
    assert p.heard[-1][2] == 0
    await go(1000)
    n = len(p.heard)
    await go(3000)
    assert len(p.heard) == n
    # one that sounds by itself, active low
    r = Ringer(pin=8, on=0)
    assert r.pin.history[0] == (fakemachine.ms(), 1)
    r.ring(gpio.RING)
    await go(1200)
    assert [x[1] for x in r.pin.history] == [1, 0, 1]
    r.stop()


def test_ringer():
    run(rings)


async def shows():
    fresh()
    lamp = Lamp(2)
    flashes = {}
    for state in ("ready", "searching", "ringing", "talking", "failed", "off"):
        n = len(lamp.pin.history)
        lamp.show(state)
        await go(1000)
        lamp.show(state)  # goes on as it was
        await go(2000)
        flashes[state] = sum([x[1] for x in lamp.pin.history[n:]])
    assert flashes == {
        "ready": 1,
        "searching": 3,
        "ringing": 15,
        "talking": 1,
        "failed": 6,
        "off": 0,
    }, flashes
    assert lamp.pin() == 0


def test_lamp():
    run(shows)
