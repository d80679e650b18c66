# A doorbell: one button, one relay, one code. On a board take `import board` and its pins; here
# they are lines on standard input ("press bell") and output ("relay door 1"). MIT licence;
# Copyright (c) 2026 the usip authors
#
#   tools/run unix32 examples/doorbell.py ACCOUNT PASSWORD RING CODE
#                                         [BIND-IP PLAY.wav RECORD.wav ALLOW]
#
# ALLOW is who else than the registrar may call and write, as in usip/policy.py.

import asyncio
import sys

try:
    import usip_unix as board
except ImportError:
    import usip_cpython as board

from usip import limits

# A heap of 72 KB is tight: no reports on the sound, at most 120 ms of delay, no packets of 60 ms.
limits.RTCP = False
limits.JITTER_SLOTS = 8
limits.JITTER_MAX = 6
limits.RTP_MAX = 256
limits.PTIME_MAX = 30
limits.DATAGRAM_MAX = 1500

from usip import Phone, UsageError  # noqa: E402
from usip.door.opener import Opener  # noqa: E402
from usip_host.gpio import LineGpio  # noqa: E402
from usip_host.lines import lines  # noqa: E402
from usip_host.sound import WavAudio  # noqa: E402

ACCOUNT, PASSWORD, RING, CODE = sys.argv[1:5]
BIND, PLAY, RECORD, ALLOW = (sys.argv[5:] + [None, None, None, ""][len(sys.argv) - 5 :])[:4]

gpio = LineGpio(print)
button = gpio.button("bell")
opener = Opener({CODE: gpio.relay("door")})


async def read_pins():
    async for line in lines(sys.stdin):
        if line == "quit":
            return
        gpio.feed(line)


async def ring(phone):
    async with await phone.call(RING, ring_ms=30_000, follow=True) as call:
        if not await call.answered():
            print("nobody:", call.reason)
            return
        print("talking")
        await opener.watch(call)
        s = call.stats
        print("call over: %s, packets received %d, lost %d"
              % (call.reason, s["packets_received"], s["packets_lost"]))  # fmt: skip


async def press(phone):
    print("registered" if await phone.registered(10_000) else phone.explain())
    while True:
        await button.pressed()
        print("the button is pressed")
        try:
            await ring(phone)
        except UsageError as e:
            print("cannot call:", e)


async def taken(call):
    if await call.answered():
        print("called from the house")
        await opener.watch(call)


async def take_calls(phone):
    # Somebody in the house calls the door: it answers by itself, see auto_answer. A second one may.
    while True:
        call = await phone.incoming()
        if not call:
            return
        call.data = asyncio.create_task(taken(call))


async def read_texts(phone):
    while True:
        text = await phone.next_message()
        if not text:
            return
        print("text:", text[1])


def tell(event, subject, detail):
    if event == "error":
        print("error:", detail)
    elif event == "wrong-code":
        print("wrong code")
    elif event == "door-locked":
        print("too many wrong codes: locked for %d s" % (detail // 1000))


async def main():
    audio = WavAudio(PLAY, RECORD, loop=True)
    phone = Phone(
        ACCOUNT,
        PASSWORD,
        net=board.net,
        audio=audio,
        bind=(BIND, 0),
        listener=tell,
        allow="registrar," + ALLOW,
        auto_answer=True,
    )
    async with phone:
        tasks = [asyncio.create_task(f(phone)) for f in (press, take_calls, read_texts)]
        await read_pins()
        for t in tasks:
            t.cancel()
    audio.close()
    try:
        import gc

        gc.collect()
        print("memory: %d bytes in use, %d free" % (gc.mem_alloc(), gc.mem_free()))
    except AttributeError:
        pass  # CPython


asyncio.run(main())
