# usip: the phone on a board, talking through every quirk that its sockets and sound have
# MIT licence; Copyright (c) 2026 the usip authors
#
# Two phones, each with the boards' own sockets (fakesocket) and sound (fakemachine). Sound flows
# both ways in every row; what a row costs is said in it.

import asyncio

from skip import Skip

try:
    from asyncio import core

    core._io_queue  # noqa: B018
except (ImportError, AttributeError):
    raise Skip("sockets of boards want MicroPython's event loop")

import fakemachine
import fakesocket
import usip.pump
from fakemachine import I2S
from phonenet import run
from usip.errors import UsageError
from usip.phone import Phone
from virtualtime import pass_ms

fakemachine.install()

from usip_micropython.i2s import Amplifier, I2SAudio, Microphone  # noqa: E402
from usip_micropython.turns import TurnsAudio  # noqa: E402

SLOW = True
A, B = "192.0.2.1", "192.0.2.2"
_sleep_ms = usip.pump.sleep_ms


def phone(ip, first, **how):
    from usip_micropython.net import Net

    microphone = Microphone(first, 10 * first + 1, 10 * first + 2, 10 * first + 3)
    amplifier = Amplifier(first + 1, 10 * first + 4, 10 * first + 5, 10 * first + 6)
    return Phone(
        "sip:usip@" + ip,
        net=Net(ip),
        audio=I2SAudio(microphone, amplifier),
        bind=(ip, 5060),
        trace=False,
        **how,
    )


async def until(ready):
    while not ready():
        await asyncio.sleep_ms(5)


def loud(i2s):
    """How many of the last samples that an amplifier was given are no silence."""
    heard = i2s.heard[-640:]
    return sum([1 for i in range(1, len(heard), 2) if 3 < heard[i] < 252])


async def talks(lost=0, meanwhile=None):
    """A call, heard at both ends, with digits and a text; `meanwhile(x, y)` runs in it."""
    I2S.keep = 0
    faults = []

    def tell(event, subject, detail):
        if event == "error":
            faults.append(detail)

    a, b = phone(A, 0, listener=tell), phone(B, 2, listener=tell)
    await a.start()
    await b.start()
    x = await a.call("sip:usip@" + B)
    y = await b.incoming()
    y.answer()
    assert await x.answered() and await y.answered()
    if meanwhile:
        await meanwhile(a, b, x, y)
    for i2s in I2S.live.values():
        i2s.keep = 20000
    await until(lambda: min([x.stats["packets_received"], y.stats["packets_received"]]) > 25)
    for amplifier in (1, 3):
        await until(lambda a=amplifier: loud(I2S.live[a]) > 100)
    await x.send_digits("5", "info", 40)
    assert await y.digit() == "5"
    await y.send_digits("9", "rtp", 60)
    assert await x.digit() == "9"
    assert await b.message("sip:usip@" + A, "hello") == 200
    assert (await a.next_message())[1] == "hello"
    total = x.stats["packets_received"] + y.stats["packets_received"]
    missing = x.stats["packets_lost"] + y.stats["packets_lost"]
    y.hangup()
    assert await x.ended() and await y.ended()
    assert x.code == y.code == 200 and not faults, faults
    # In per cent; a machine with other work to do loses some more.
    assert missing <= 8 + total * lost // 100, (missing, total)
    await a.close()
    await b.close()
    assert not fakesocket.world.sockets and not I2S.live


def row(machine=(), sockets=(), lost=0, meanwhile=None):
    fakemachine.clear()
    fakemachine.controllers = 4
    for f in machine:
        fakemachine.faults.add(f)
    fakesocket.fresh(*sockets)
    fakesocket.install()
    run(talks, lost, meanwhile)


def test_tuple_addresses():
    row()


def test_packed_addresses():
    row(sockets=("packed",))


def test_sockets_without_flags():
    row(sockets=("no-flags",))
    # of such a release too: no more than one datagram waits, and the answer to it is not heard
    row(sockets=("no-flags", "queue-1"), lost=30)


def test_a_board_tells_nobody_that_it_is_127_0_0_1():
    from usip_micropython.net import Net

    fakesocket.fresh()
    fakesocket.install()
    assert Net().local_for(("127.0.0.9", 5060)) == b"127.0.0.1"
    assert Net("192.0.2.7").local_for((B, 5060)) == b"192.0.2.7"
    assert Net().local_for((B, 5060), "192.0.2.8") == b"192.0.2.8"
    try:
        Net().local_for((B, 5060))
        raise AssertionError
    except UsageError:
        pass


def test_queue_of_four():
    async def burst(a, b, x, y):
        # Eight at once, from a stranger: four get lost, and a request with them is sent again.
        for _ in range(8):
            fakesocket.world.carry(("192.0.2.9", 5060), (A, 5060), b"x")
        assert fakesocket.world.lost >= 4

    row(sockets=("queue-4",), lost=5, meanwhile=burst)


def test_enomem_on_send():
    row(sockets=("enomem",), lost=25)  # each fifth is lost, requests come again
    assert fakesocket.world.refused > 10


def test_would_block_in_all_its_words():
    row(sockets=("would-block",), lost=30)
    assert fakesocket.world.refused > 10


async def empties(a, b, x, y):
    # To the phone's and the sound's port, and to the latter once more when it is connected.
    world = fakesocket.world
    sip = world.sockets[(A, 5060)]
    for port in (5060, x.endpoint.port):
        world.carry(("192.0.2.9", 9), (A, port), b"")
    await until(lambda: world.sockets.get((A, 5060)) not in (None, sip))
    await until(lambda: x.endpoint._connected and world.sockets.get((A, x.endpoint.port)))
    sound = world.sockets[(A, x.endpoint.port)]
    world.carry((B, y.endpoint.port), (A, x.endpoint.port), b"")
    await until(lambda: world.sockets.get((A, x.endpoint.port)) not in (None, sound))


def test_an_empty_datagram_deafens_a_socket():
    row(sockets=("empty-datagram",), lost=5, meanwhile=empties)
    row(sockets=("empty-datagram", "no-flags"), lost=5, meanwhile=empties)
    # The new socket does not get the port at once.
    row(sockets=("empty-datagram", "port-lingers"), lost=20, meanwhile=empties)


def test_an_empty_datagram_is_nothing_elsewhere():
    async def one(a, b, x, y):
        world = fakesocket.world
        sip = world.sockets[(A, 5060)]
        binds = world.binds
        world.carry(("192.0.2.9", 9), (A, 5060), b"")
        await until(lambda: not sip.queue)
        await asyncio.sleep_ms(50)
        assert world.sockets[(A, 5060)] is sip and world.binds == binds

    row(meanwhile=one)


def test_four_sockets():
    row(sockets=("few-sockets",))


def test_blocks_of_256_frames():
    row()


def test_blocks_of_16_frames():
    row(machine=("blocks-16",))


def test_a_ring_full_of_zeros():
    row(machine=("starts-full",))


def test_short_reads():
    row(machine=("short-reads",))


def test_octal_psram_stall():
    row(machine=("octal-psram",))


def test_second_write_dropped_and_irq_lost():
    row(machine=("second-write", "lost-irq"))  # nobody asks by irq()


async def takes_turns():
    # One controller for both directions: the house speaks, then the door is heard.
    a, b = phone(A, 0), phone(B, 2)
    microphone = Microphone(0, 1, 2, 3)
    amplifier = Amplifier(0, 1, 2, 4)
    turns = a.audio = TurnsAudio(microphone, amplifier)
    await a.start()
    await b.start()
    x = await a.call("sip:usip@" + B)
    y = await b.incoming()
    y.answer()
    assert await x.answered() and await y.answered()
    await until(lambda: 3 in I2S.live and 2 in I2S.live)
    I2S.live[2].hear(4000)  # the house
    await until(lambda: 0 in I2S.live and I2S.live[0].mode == I2S.TX and loud(I2S.live[0]) > 100)
    assert not turns.listening and loud(I2S.live[3]) == 0
    I2S.live[2].hear(0)
    await until(lambda: turns.listening)
    I2S.live[0].hear(4000)  # the door
    await until(lambda: turns.listening and loud(I2S.live[3]) > 100)
    I2S.live[0].hear(0)
    I2S.live[2].hear(4000)
    await until(lambda: not turns.listening and loud(I2S.live[3]) == 0)
    await until(lambda: 0 in I2S.live and loud(I2S.live[0]) > 100)
    x.hangup()
    assert await y.ended()
    await a.close()
    await b.close()
    assert not I2S.live


def test_one_controller_takes_turns():
    fakemachine.clear()
    fakemachine.controllers = 4
    fakesocket.fresh()
    fakesocket.install()
    I2S.keep, I2S.level = 8000, 0
    try:
        run(takes_turns)
    finally:
        I2S.keep, I2S.level = 0, 4000


async def ticks_of_10_ms(ms):
    # FreeRTOS: a wait ends with a tick, and a wait of 0 does not wait.
    await _sleep_ms(ms and ms + 10 - (usip.pump.now() + ms) % 10)


def test_ticks_of_10_ms():
    usip.pump.sleep_ms = ticks_of_10_ms
    try:
        row()
    finally:
        usip.pump.sleep_ms = _sleep_ms


async def stand_still(a, b, x, y):
    # Five times within the call nothing runs for 100 ms.
    for _ in range(5):
        pass_ms(100)
        await asyncio.sleep_ms(60)


def test_collector_takes_100_ms():
    row(meanwhile=stand_still, lost=20)
    row(sockets=("queue-4",), meanwhile=stand_still, lost=40)
