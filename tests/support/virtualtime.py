# usip tests: asyncio whose time passes at once while all tasks sleep, and stands still while one
# works. It is the runtime's own event loop, only its clock and its waiting are replaced. Sockets
# are to be in memory: for what comes from outside nobody waits.
# MIT licence; Copyright (c) 2026 the usip authors

import asyncio

from usip import driver
from usip.clock import left

TURNS = 100  # so many turns of the event loop without a wait take a millisecond
STUCK = "every task waits, and nothing is left that could wake one"

if hasattr(asyncio, "core") and hasattr(asyncio.core, "_io_queue"):  # MicroPython
    from time import ticks_add, ticks_diff, ticks_ms

    core = asyncio.core
    # The queue of tasks, in C, knows the real time alone: a task that is woken is queued by that.
    # Ours is so far ahead that such a one can be told, and is due before everything that sleeps.
    _AHEAD = 1 << 28
    _time = 0
    _turns = 0

    def _ticks():
        # Asked before each sleep and each turn: who was woken is queued as of now, in his order.
        queue = core._task_queue
        t = queue.peek()
        while t and ticks_diff(t.ph_key, _time) < -_AHEAD // 2:
            data = t.data  # an exception for it, which push() forgets
            queue.push(queue.pop(), _time)
            t.data = data
            t = queue.peek()
        return _time

    def _ticks_ms():
        return ticks_add(_time, -_AHEAD)

    class _Io:
        map = {0: 0}  # a loop with nothing to do and nothing to wait for would end

        def __init__(self, real):
            self.real = real
            self.queue_read = real.queue_read
            self.queue_write = real.queue_write

        def wait_io_event(self, dt):
            global _turns
            if self.real.map:
                self.real.wait_io_event(0)
                t = core._task_queue.peek()
                if dt and t and ticks_diff(t.ph_key, _time) <= 0:
                    return
                dt = min(dt, 1)  # what is polled may be ready in any millisecond
            if dt < 0:
                raise RuntimeError(STUCK)
            _turns += 1
            if dt or _turns >= TURNS:
                _turns = 0
                pass_ms(dt or 1)

        def remove(self, task):
            self.real.remove(task)

    def pass_ms(ms):
        """The machine stands still for `ms`."""
        global _time
        _time = ticks_add(_time, ms)

    def run(main):
        """asyncio.run()"""
        global _time
        kept = core.ticks, driver.ticks_ms
        core.new_event_loop()
        _time = ticks_add(ticks_ms(), _AHEAD)
        core.ticks, driver.ticks_ms = _ticks, _ticks_ms
        core._io_queue = _Io(core._io_queue)
        try:
            return asyncio.run(main)
        finally:
            core.ticks, driver.ticks_ms = kept
            core.cur_task = None
            core.new_event_loop()  # nothing of it may live on

elif hasattr(asyncio, "SelectorEventLoop"):  # CPython
    import selectors
    from time import monotonic_ns

    class _Selector(selectors.DefaultSelector):
        time = 0  # ns
        turns = 0

        def select(self, timeout=None):
            found = super().select(0)
            if found:
                return found
            if timeout is None:
                raise RuntimeError(STUCK)
            self.turns += 1
            if timeout > 0 or self.turns >= TURNS:
                self.turns = 0
                self.time += max(round(timeout * 1e9), 1) if timeout > 0 else 1_000_000
            return found

    class _Loop(asyncio.SelectorEventLoop):
        def __init__(self):
            self.clock = _Selector()
            super().__init__(self.clock)

        def time(self):
            return self.clock.time / 1e9

    def pass_ms(ms):
        """The machine stands still for `ms`."""
        asyncio.get_running_loop().clock.time += ms * 1_000_000

    def run(main):
        """asyncio.run()"""
        kept = driver.monotonic_ns
        loop = _Loop()
        start = monotonic_ns() // 1_000_000 * 1_000_000
        driver.monotonic_ns = lambda: start + loop.clock.time
        asyncio.set_event_loop(loop)
        try:
            return loop.run_until_complete(main)
        finally:
            try:
                tasks = asyncio.all_tasks(loop)
                for t in tasks:
                    t.cancel()
                if tasks:
                    loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))
                loop.run_until_complete(loop.shutdown_asyncgens())
            finally:
                driver.monotonic_ns = kept
                asyncio.set_event_loop(None)
                loop.close()

else:  # the loop is not ours: WebAssembly

    def pass_ms(ms):
        start = driver.now()
        while left(start, driver.now()) > -ms:
            pass

    run = getattr(asyncio, "run", None)
