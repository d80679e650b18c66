# usip: keeps an application's tasks running, and a watchdog fed while the phone is healthy
# MIT licence; Copyright (c) 2026 the usip authors

import asyncio

from . import limits
from .clock import later, left
from .driver import now, sleep_ms

_RUNNING = "running"  # what the store says while no reason to restart is known


class _Job:
    def __init__(self, name, make):
        self.name = name
        self.make = make
        self.task = None
        self.failures = 0  # in a row
        self.done = False  # it returned: it wanted to end


class Supervisor:
    """Runs the tasks of an application beside `phone` (None: without one).

        supervisor = Supervisor(phone, listener=heard, wdt=wdt, store=store, reset=machine.reset)
        print("restarted because of", supervisor.last)
        supervisor.add("button", lambda: at_the_button(phone))
        await supervisor.run()

    A task that raises is told of, `listener("task-failed", name, reason)`, and made anew after a
    pause that grows; one that raises again and again takes the whole program down. `wdt` has
    `feed()`; it is fed once a second while everything is healthy: the phone's own tasks run and
    come round, no deadline of the registration is overdue, all tasks are there, the event loop is
    not late. If not, `listener("unhealthy", self, reason)`, the reason goes to `store`, and either
    `reset()` is called or the watchdog bites.

    `store` has `load()` and `save(bytes)` and outlives a restart; `last` is why the last one was
    ("task door: MemoryError", "asked: update", ...), `cause` where nobody could write it down: what
    the hardware says ("watchdog", "power"). "" at the very first start."""

    def __init__(self, phone=None, listener=None, wdt=None, store=None, reset=None, cause=""):
        self.phone = phone
        self.listener = listener
        self.wdt = wdt
        self.store = store
        self.reset = reset
        self.jobs = []
        self.reason = ""  # why it is about to restart
        self._turns = None
        self._bad = 0  # looks in a row at which it was unhealthy
        last = self._load()
        self.last = (cause or "unknown") if last == _RUNNING else last or cause
        self._save(_RUNNING)

    def add(self, name, make):
        """Keep a task running: `make()` returns its coroutine. One that returns is over."""
        job = _Job(name, make)
        self.jobs.append(job)
        job.task = asyncio.create_task(self._keep(job))
        return job

    def restart(self, why="asked"):
        """Restart the device, for a reason that is kept."""
        if not self.reason:
            self.reason = why
            self._save(why)
            self._tell("unhealthy", self, why)
        if self.reset:
            self.reset()

    async def run(self):
        """Watch, for good. Ends with the phone, or when it gave up and nothing can restart it."""
        due = now()
        while not (self.phone and self.phone.closed):
            try:
                late = left(now(), due)
                why = self._look(late)
                self._bad = self._bad + 1 if why else 0
                if self._bad >= limits.UNHEALTHY:
                    self.restart(why)
                if self.reason and not self.wdt:
                    break
                if self.wdt and not self.reason:
                    self.wdt.feed()
            except Exception as e:
                self._tell("error", self, e)
            due = later(now(), limits.WATCH_MS)
            await sleep_ms(limits.WATCH_MS)
        for job in self.jobs:
            job.task.cancel()

    # --- health ---

    def healthy(self):
        """What is wrong, in a few words; "" when all is well."""
        phone = self.phone
        if phone:
            driver = phone.driver
            for t in driver.tasks:
                if t.done():
                    return "phone: a task is dead"
            r = phone.registration
            if r and r.state != b"N" and (r.at is None or left(r.at, now()) < -limits.LATE_MS):
                return "phone: the registration stands still"
        for job in self.jobs:
            if not job.done and job.task.done():
                return "task %s: not there" % job.name
        return ""

    def _look(self, late):
        if late > limits.LATE_MS:
            return "event loop: late"
        phone = self.phone
        if phone:
            # It was asked to come round at the last look.
            turns = phone.driver.turns
            stuck = turns == self._turns
            self._turns = turns
            phone.driver.kick()
            if stuck:
                return "phone: the timer stands still"
        return self.healthy()

    # --- tasks ---

    async def _keep(self, job):
        while True:
            began = now()
            try:
                await job.make()
                job.done = True
                return
            except Exception as e:
                if left(now(), began) > limits.WELL_MS:
                    job.failures = 0
                job.failures += 1
                try:
                    self._failed(job, e)
                except MemoryError:
                    pass  # told or not, it is made anew
            n = min(job.failures, 16) - 1
            await sleep_ms(min(limits.RESTART_FIRST << n, limits.RESTART_MAX))

    def _failed(self, job, e):
        why = "task %s: %s" % (job.name, type(e).__name__)
        self._tell("task-failed", job.name, "%s: %r" % (why, e))
        if job.failures > limits.RESTARTS:
            self.restart(why)

    # --- what may fail without harm ---

    def _tell(self, event, subject, detail):
        try:
            if self.listener:
                self.listener(event, subject, detail)
        except Exception:
            pass  # the application's

    def _load(self):
        try:
            return str(self.store.load() or b"", "utf-8") if self.store else ""
        except Exception as e:
            self._tell("error", self, e)
            return ""

    def _save(self, text):
        try:
            if self.store:
                self.store.save(text[:100].encode())
        except Exception as e:
            self._tell("error", self, e)
