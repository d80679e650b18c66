# asyncio whose time passes at once while nothing is to be done: a week in a minute. It is
# MicroPython's own event loop, or CPython's; only their waiting is replaced. Sockets are to be
# lists in memory: nothing outside is waited for.

import asyncio

from usip import driver

skipped = 0  # milliseconds that nobody waited for

if hasattr(asyncio, "core"):
    from time import ticks_add, ticks_diff, ticks_ms

    core = asyncio.core
    _MASK = 0x3FFFFFFF
    _tasks = [None] * 64
    _keys = [0] * 64

    class _NoIo:
        map = {0: 0}  # a loop with nothing to do and nothing to wait for would end

        def wait_io_event(self, dt):
            # Whoever sleeps sleeps so much less.
            global skipped
            if dt <= 0:
                return
            queue = core._task_queue
            n = 0
            while True:
                t = queue.peek()
                if not t:
                    break
                _keys[n] = t.ph_key
                _tasks[n] = queue.pop()
                n += 1
            skipped = ticks_diff(ticks_add(skipped & _MASK, dt), 0)  # never a heap object
            for i in range(n):
                queue.push(_tasks[i], ticks_add(_keys[i], -dt))
                _tasks[i] = None

        def remove(self, task):
            pass

    def _now():
        return ticks_add(ticks_ms(), skipped)

    def install(at=0):
        """From now on; `at` is what the clock says now."""
        global skipped
        core._io_queue = _NoIo()
        skipped = ticks_diff((at - ticks_ms()) & _MASK, 0)
        driver.ticks_ms = _now

    run = asyncio.run

else:
    import selectors
    import time

    _at = 0

    class _Selector(selectors.DefaultSelector):
        def select(self, timeout=None):
            global skipped
            found = super().select(0)
            if not found and timeout:
                skipped += timeout * 1000
            return found

    def _now():
        return time.monotonic_ns() // 1_000_000 + int(skipped)

    class _Loop(asyncio.SelectorEventLoop):
        def __init__(self):
            super().__init__(_Selector())

        def time(self):
            return time.monotonic() + skipped / 1000

    def install(at=0):
        global _at
        _at = at - _now()
        driver.monotonic_ns = lambda: (_now() + _at) * 1_000_000

    def run(main):
        loop = _Loop()
        asyncio.set_event_loop(loop)
        try:
            return loop.run_until_complete(main)
        finally:
            for t in asyncio.all_tasks(loop):
                t.cancel()
            loop.run_until_complete(asyncio.sleep(0))
            loop.close()
            asyncio.set_event_loop(None)
