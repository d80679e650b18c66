"""examples/door.py, the program of the boards, with a board of objects that do nothing."""

import asyncio
import os
import sys
import types

import runner

sys.path += [os.path.join(runner.ROOT, "tools"), os.path.join(runner.ROOT, "tests", "interop")]

import rig as rigs  # noqa: E402  (found on the path made above)

import usip_cpython  # noqa: E402
from usip import limits  # noqa: E402
from usip.server.runner import Server  # noqa: E402


class Watchdog:
    fed = 0

    def feed(self):
        self.fed += 1


class Wifi:
    """A network that is there when `on` is set."""

    def __init__(self):
        self.on = False

    async def joined(self):
        while not self.on:
            await asyncio.sleep(0.01)

    async def run(self, phone):
        await asyncio.sleep(3600)


async def until(ready):
    while not ready():
        await asyncio.sleep(0.01)


def test_it_is_watched_from_the_start(monkeypatch, capsys):
    """No network for a time: the watchdog runs and is fed meanwhile; then it registers."""
    monkeypatch.setattr(limits, "WATCH_MS", 20)
    registrar, own = rigs.addresses().take(), rigs.addresses().take()
    wdt, wifi, asked = Watchdog(), Wifi(), []

    def supervision(ms):
        asked.append(ms)
        return {"wdt": wdt, "cause": "power"}

    parts = dict.fromkeys(("opener", "lamp", "button", "ringer", "audio"))
    board = types.SimpleNamespace(
        **parts,
        net=type(usip_cpython.net)(own),
        wifi=lambda name, key: wifi,
        supervision=supervision,
    )
    config = types.SimpleNamespace(
        WIFI=("home", "key"), ACCOUNT=f"sip:door@{registrar}", PASSWORD="ding", RING="x", CODE=None
    )
    monkeypatch.setitem(sys.modules, "board", board)
    monkeypatch.setitem(sys.modules, "config", config)
    with open(os.path.join(runner.ROOT, "examples", "door.py"), encoding="utf-8") as f:
        text = f.read()
    assert text.count("asyncio.run(main())") == 1
    door = {}
    exec(text.replace("asyncio.run(main())", ""), door)

    async def all_of_it():
        await Server(type(usip_cpython.net)(), (registrar, 5060), {b"door": b"ding"}).start()
        task = asyncio.ensure_future(door["main"]())
        await until(lambda: wdt.fed > 3)
        assert "registered" not in capsys.readouterr().out and not task.done()
        wifi.on = True
        said = []
        await until(lambda: said.append(capsys.readouterr().out) or "registered" in said[-1])
        fed = wdt.fed
        await until(lambda: wdt.fed > fed + 3)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    asyncio.run(asyncio.wait_for(all_of_it(), 40))
    assert asked == [30_000]
