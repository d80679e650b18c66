# usip: the supervisor: tasks are made anew, the watchdog is fed while all is well, reasons are kept

import asyncio

from phonenet import Lan, phone, run
from usip import limits
from usip.driver import sleep_ms
from usip.supervisor import Supervisor

HEAPS = 2  # beside the phone there are the supervisor, the test and its network
LIMITS = "WATCH_MS", "LATE_MS", "RESTART_FIRST", "RESTART_MAX"


class Store:
    def __init__(self, text="", broken=False):
        self.text = text
        self.broken = broken

    def load(self):
        if self.broken:
            raise OSError
        return self.text.encode()

    def save(self, data):
        if self.broken:
            raise OSError
        self.text = str(data, "utf-8")


class Wdt:
    fed = 0

    def feed(self):
        self.fed += 1


def quickly(f):
    """With times that a test can wait for."""
    kept = [getattr(limits, x) for x in LIMITS]
    limits.WATCH_MS, limits.RESTART_FIRST, limits.RESTART_MAX = 5, 1, 4
    try:
        run(f)
    finally:
        for x, v in zip(LIMITS, kept):
            setattr(limits, x, v)


class Ear:
    def __init__(self):
        self.events = []

    def __call__(self, event, subject, detail):
        self.events.append((event, subject, detail))

    def count(self, event):
        return len([x for x in self.events if x[0] == event])


def test_reasons():
    store = Store()
    s = Supervisor(store=store)
    assert s.last == "" and store.text == "running"
    # It ended without a reason: the hardware may know one.
    assert Supervisor(store=store, cause="watchdog").last == "watchdog"
    assert Supervisor(store=store).last == "unknown"
    # One that was written down goes before what the hardware says.
    resets = []
    s = Supervisor(store=store, reset=lambda: resets.append(1))
    s.restart("asked: update")
    assert resets == [1] and store.text == "asked: update"
    assert Supervisor(store=store, cause="reset").last == "asked: update"
    assert store.text == "running"
    # Neither a store that fails nor none is a reason not to start.
    ear = Ear()
    assert Supervisor(store=Store(broken=True), listener=ear, cause="power").last == "power"
    assert ear.count("error") == 2
    assert Supervisor().last == ""


async def raises():
    ear, wdt, store = Ear(), Wdt(), Store()
    s = Supervisor(None, ear, wdt, store)
    ran = []
    onces = []

    async def door():
        ran.append(1)
        if len(ran) < 4:
            raise MemoryError("x")
        await sleep_ms(10_000)

    async def once():
        onces.append(1)

    job = s.add("once", once)
    s.add("door", door)
    task = asyncio.create_task(s.run())
    while len(ran) < 4 or wdt.fed < 3:
        await sleep_ms(5)
    assert job.done and onces == [1]  # what returns is over
    told = [x for x in ear.events if x[0] == "task-failed"]
    assert len(told) == 3 and told[0][1] == "door" and "MemoryError" in told[0][2]
    assert store.text == "running" and not s.reason and s.healthy() == ""
    task.cancel()
    for j in s.jobs:
        j.task.cancel()


def test_a_task_that_raises_is_made_anew():
    quickly(raises)


async def hopeless():
    ear, wdt, store, resets = Ear(), Wdt(), Store(), []
    s = Supervisor(None, ear, wdt, store, lambda: resets.append(wdt.fed))

    async def door():
        raise ValueError("bug")

    s.add("door", door)
    task = asyncio.create_task(s.run())
    while not resets:
        await sleep_ms(5)
    assert store.text == "task door: ValueError" and ear.count("unhealthy") == 1
    fed = wdt.fed
    for _ in range(6):
        await sleep_ms(5)
    assert wdt.fed == fed  # where reset() does nothing the watchdog bites
    task.cancel()
    s.jobs[0].task.cancel()
    assert Supervisor(store=store, cause="reset").last == "task door: ValueError"


def test_one_that_always_raises_takes_the_device_down():
    quickly(hopeless)


async def watched(harm, wanted, password=None):
    p = await phone(Lan(), b"192.0.2.1", b"sip:u@192.0.2.9", password)
    wdt, store = Wdt(), Store()
    s = Supervisor(p, None, wdt, store, lambda: None)
    task = asyncio.create_task(s.run())
    while wdt.fed < 5:
        await sleep_ms(5)
    assert store.text == "running", store.text
    harm(p)
    while store.text == "running":
        await sleep_ms(5)
    assert store.text == wanted, store.text
    fed = wdt.fed
    await sleep_ms(30)
    assert wdt.fed == fed
    task.cancel()
    p.driver.close()


def _kill(p):
    p.driver.tasks[0].cancel()


def _hang(p):
    # A poll that never comes round, but lets others run: its task waits for ever.
    p.driver.tasks[1].cancel()

    async def nothing():
        await asyncio.Event().wait()

    p.driver.tasks[1] = asyncio.create_task(nothing())


def _forget(p):
    p.registration.at = None
    p.registration.state = b"A"


def test_a_phone_that_is_not_healthy():
    async def dead():
        await watched(_kill, "phone: a task is dead")

    async def hung():
        await watched(_hang, "phone: the timer stands still")

    async def stuck():
        await watched(_forget, "phone: the registration stands still", "secret")

    for f in dead, hung, stuck:
        quickly(f)


async def late():
    wdt, store = Wdt(), Store()
    s = Supervisor(None, None, wdt, store)
    assert s._look(limits.LATE_MS + 1) == "event loop: late"
    assert s._look(limits.LATE_MS - 1) == ""
    # Without a watchdog and a reset it can only end.
    s = Supervisor(None, None, None, store)
    s.restart("asked")
    await s.run()
    assert store.text == "asked"


def test_an_event_loop_that_is_late():
    quickly(late)


async def closes():
    p = await phone(Lan(), b"192.0.2.1")
    wdt = Wdt()
    s = Supervisor(p, None, wdt, Store())
    s.add("house", p.incoming)
    task = asyncio.create_task(s.run())
    while wdt.fed < 2:
        await sleep_ms(5)
    await p.close()
    await task


def test_it_ends_with_the_phone():
    quickly(closes)
