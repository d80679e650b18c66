"""The program at the top of README.md is one that works."""

import asyncio
import os
import re
import sys

import runner

sys.path += [os.path.join(runner.ROOT, "tools"), os.path.join(runner.ROOT, "tests", "interop")]

import rig as rigs  # noqa: E402  (found on the path made above)

import usip_cpython  # noqa: E402
from usip import Phone  # noqa: E402
from usip.server.runner import Server  # noqa: E402

SLOW = True

# What is said there of computers, and whom this machine has in the place of a FRITZ!Box.
CHANGES = (
    ("import asyncio, board", "import asyncio, usip_cpython as board"),
    ("fritz.box", "{registrar}"),
    ('"**9"', '"sip:indoor@{indoor}"'),
    ("asyncio.run(main())", ""),
)


def program(**who):
    with open(os.path.join(runner.ROOT, "README.md"), encoding="utf-8") as f:
        text = re.search(r"```python\n(.*?)```", f.read(), re.DOTALL).group(1)
    for was, new in CHANGES:
        assert text.count(was) == 1, was
        text = text.replace(was, new.format(**who))
    return text


def test_the_program_at_the_top(monkeypatch):
    registrar, indoor, door = (rigs.addresses().take() for _ in range(3))
    monkeypatch.setattr(usip_cpython.net, "host", door)
    said = []
    names = {"print": lambda *x: said.append(" ".join(map(str, x)))}
    exec(program(registrar=registrar, indoor=indoor), names)
    relay = usip_cpython.opener
    monkeypatch.setattr(relay, "_on_change", lambda relay, value: said.append(value))

    async def answers(phone):
        call = await phone.incoming()
        call.answer()
        await call.answered()
        await call.send_digits("25")
        await phone.wait(lambda: len(said) >= 3, 10_000)
        call.hangup()

    async def all_of_it():
        net = type(usip_cpython.net)
        await Server(net(), (registrar, 5060), {b"door": b"secret"}).start()
        phone = Phone(f"sip:indoor@{indoor}", net=net(), bind=(indoor, 5060), allow="any")
        async with phone:
            other = asyncio.ensure_future(answers(phone))
            await asyncio.wait_for(names["main"](), 30)
            await other

    asyncio.run(all_of_it())
    assert said == ["registered", 1, 0]


def test_the_opener_of_a_computer_prints(capsys):
    asyncio.run(usip_cpython.opener.pulse(1))
    assert capsys.readouterr().out == "door open\ndoor shut\n"
