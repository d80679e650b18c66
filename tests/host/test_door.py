"""examples/door.py, the program of a board, with phones around it in memory."""

import asyncio
import os
import sys
import types

import pytest

import phonenet
import runner

HERE, ONE, TWO = b"192.0.2.1", b"192.0.2.2", b"192.0.2.3"
FILE = os.path.join(runner.ROOT, "examples", "door.py")


class Relay:
    def __init__(self):
        self.pulses = 0

    async def pulse(self, ms):
        self.pulses += 1


class Bell:
    """A ringer that is broken while `error` is set."""

    def __init__(self):
        self.error = None

    def ring(self, times):
        if self.error:
            raise self.error


@pytest.fixture
def board(monkeypatch, tmp_path):
    """The board of the program, whose text is in `program`."""
    board = types.ModuleType("board")
    board.net = phonenet.Net(phonenet.Lan(), HERE)
    board.audio = board.button = board.lamp = None
    board.opener = Relay()
    board.ringer = Bell()
    config = types.ModuleType("config")
    config.ACCOUNT, config.PASSWORD = "sip:door@192.0.2.1", None
    config.WIFI, config.CODE, config.RING, config.ALLOW = None, "1234", "**9", "192.0.2.*"
    config.WATCHDOG = 0
    monkeypatch.setitem(sys.modules, "board", board)
    monkeypatch.setitem(sys.modules, "config", config)
    monkeypatch.chdir(tmp_path)
    return board


def program(listener):
    """What the program defines, before it runs. `listener` hears what its own does."""
    with open(FILE) as f:
        text = f.read()
    run = "asyncio.run(main())"
    assert text.count(run) == 1
    names = {}
    exec(compile(text.replace(run, ""), FILE, "exec"), names)
    own = names["heard"]

    def heard(*what):
        own(*what)
        listener(*what)

    names["heard"] = heard
    return names


async def called(phone):
    x = await phone.call("sip:door@192.0.2.1")
    assert await x.answered()
    return x


def test_two_calls_at_a_time(board):
    async def calls():
        ear = phonenet.Ear()
        main = asyncio.create_task(program(ear)["main"]())
        lan = board.net.lan
        while not lan.endpoints:
            await asyncio.sleep(0)
        phones = [await phonenet.phone(lan, ip) for ip in (ONE, TWO)]
        x, y = [await called(p) for p in phones]
        await y.send_digits("1234#", "info", 60)
        await ear.heard("opened")
        await x.send_digits("1234#", "info", 60)
        await ear.heard("opened", 2)
        y.hangup()
        # What goes wrong in one of them is told, and ends that one.
        board.ringer.error = RuntimeError("broken")
        y = await phones[1].call("sip:door@192.0.2.1")
        await y.ended()
        await ear.heard("error")
        assert not x.over and ear.events.count("error") == 1 and board.opener.pulses == 2
        board.ringer.error = None
        y = await called(phones[1])
        await y.send_digits("1234#", "info", 60)
        await ear.heard("opened", 3)
        for p in phones:
            await p.close()
        main.cancel()

    phonenet.run(calls)


def test_no_memory_for_a_call(board, monkeypatch):
    async def calls():
        names = program(lambda *what: None)
        phone = await phonenet.phone(board.net.lan, HERE)
        one = await phonenet.phone(board.net.lan, ONE)
        x = await one.call("sip:door@192.0.2.1")

        def none(coroutine):
            coroutine.close()
            raise MemoryError

        names["asyncio"] = types.SimpleNamespace(create_task=none)
        with pytest.raises(MemoryError):  # the supervisor begins anew
            await names["from_the_house"](phone)
        await x.ended()
        await one.close()
        await phone.close()

    phonenet.run(calls)
