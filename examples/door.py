# The program of a door station on a board: main.py. `make install` puts it there with the board's
# board.py; config.py is yours:
#
#   WIFI = "network", "key"            (None where the board has another network)
#   ACCOUNT = "sip:door@fritz.box"
#   PASSWORD = "secret"
#   RING = "**9"                       (whom the button calls)
#   CODE = "1234"                      (what opens, then #; None: nothing does)
#   ALLOW = "registrar"                (who may call the door: see usip/policy.py)
#   TALK_S = 300                       (the longest call, in seconds)
#   WATCHDOG = 30_000                  (ms, an RP2's 8388 at most; it restarts a door that hangs; 0:
#                                       not, at the bench, as a soft reset does not stop it)
#   BIND = "192.168.1.20"              (the board's own address, where WIFI is None: it cannot ask)
#
# MIT licence; Copyright (c) 2026 the usip authors

import asyncio

import board
import config

from usip import Phone, Supervisor, UsageError
from usip.door.opener import Opener
from usip.store import FileStore

BIND = getattr(config, "BIND", None)
ALLOW = getattr(config, "ALLOW", "registrar")
TALK_S = getattr(config, "TALK_S", 300)

opener = None
if board.opener and config.CODE:
    # How often somebody was wrong survives a restart: pulling the plug gives no new tries.
    opener = Opener({config.CODE: board.opener}, store=FileStore("wrong-codes"))


def show(state):
    if board.lamp:
        board.lamp.show(state)


def heard(event, subject, detail):
    if event == "registered":
        show("ready")
    elif event in ("registration-failed", "unregistered"):
        show("searching")
    elif event in ("error", "opened", "wrong-code", "door-locked", "task-failed", "unhealthy"):
        print(event, detail or "")


async def talk(call):
    print("talking")
    show("talking")
    if opener:
        await opener.watch(call)
    else:
        await call.ended()


async def at_the_button(phone):
    while True:
        await board.button.pressed()
        show("ringing")
        try:
            async with await phone.call(config.RING, ring_ms=30_000, follow=True) as call:
                if await call.answered():
                    await talk(call)
                print("call over:", call.reason)
        except UsageError as e:
            print("cannot call:", e)
        show("ready" if await phone.registered(100) else "searching")


async def taken(call):
    try:
        async with call:
            if board.ringer:
                board.ringer.ring(times=1)
            if await call.answered():
                await talk(call)
    except Exception as e:
        call.phone.fault(e)
    print("call over:", call.reason)
    if not call.phone.calls.active():
        show("ready")


async def from_the_house(phone):
    while True:
        call = await phone.incoming()
        if not call:
            return
        # In a task of its own: it is answered by itself, so its digits count while another goes on.
        try:
            call.data = asyncio.create_task(taken(call))
        except MemoryError:
            call.hangup()
            raise


async def main():
    show("searching")
    watchdog = getattr(config, "WATCHDOG", 30_000)
    hardware = board.supervision(watchdog) if hasattr(board, "supervision") else {}
    supervisor = Supervisor(None, heard, **hardware)
    print("last restart:", supervisor.last or "none known")
    watch = asyncio.create_task(supervisor.run())
    wifi = board.wifi(*config.WIFI) if config.WIFI else None
    if wifi:
        print("joining", config.WIFI[0])
        await wifi.joined()
    phone = Phone(
        config.ACCOUNT,
        config.PASSWORD,
        net=board.net,
        audio=board.audio,
        bind=(BIND, 5060),
        listener=heard,
        allow=ALLOW,
        auto_answer=True,  # whom we know; the privacy tone is first
        talk_ms=TALK_S * 1000,
    )
    async with phone:
        print("registered" if await phone.registered(10_000) else phone.explain())
        supervisor.phone = phone
        supervisor.add("house", lambda: from_the_house(phone))
        if board.button:
            supervisor.add("button", lambda: at_the_button(phone))
        if wifi:
            supervisor.add("wifi", lambda: wifi.run(phone))
        await watch


asyncio.run(main())
