# usip: no memory to wait for a datagram with: the next wait has to hear all the same
# MIT licence; Copyright (c) 2026 the usip authors

import asyncio

from skip import Skip

try:
    from asyncio import core

    core._io_queue  # noqa: B018
except (ImportError, AttributeError):
    raise Skip("sockets of boards want MicroPython's event loop")

from usip_micropython.net import Net


class Poller:
    """select's, without memory for the first `n` that want to be watched."""

    def __init__(self, poller, n, error=MemoryError):
        self.n = n
        self.error = error
        self.ipoll = poller.ipoll
        self.modify = poller.modify
        self.unregister = poller.unregister
        self._register = poller.register

    def register(self, *args):
        self.n -= 1
        if self.n >= 0:
            raise self.error
        self._register(*args)


async def hears(a, b, net):
    a.sendto(b"hello", net.resolve(b"127.0.0.1", b.port))
    await asyncio.wait_for(b.readable(), 2)
    buf = bytearray(100)
    assert b.readinto(buf) == 5


async def deaf():
    net = Net("127.0.0.1")
    a = net.udp("127.0.0.1", 0)
    b = net.udp("127.0.0.1", 0)
    queue = core._io_queue
    kept = queue.poller
    queue.poller = Poller(kept, 2)
    raised = 0
    try:
        while True:
            try:
                await hears(a, b, net)
                break
            except MemoryError:
                raised += 1
                assert b.readinto(bytearray(100)) == 5  # it is there
        assert raised == 2, raised
    finally:
        queue.poller = kept
    # And again, now that there is memory: nothing is left over of the failures.
    await hears(a, b, net)
    assert not queue.map
    a.close()
    b.close()


def test_no_memory_to_wait():
    asyncio.run(deaf())


async def interrupted():
    # Ctrl-C comes anywhere, in the midst of asyncio too: who serves on has to hear.
    net = Net("127.0.0.1")
    a = net.udp("127.0.0.1", 0)
    b = net.udp("127.0.0.1", 0)
    queue = core._io_queue
    kept = queue.poller
    queue.poller = Poller(kept, 1, KeyboardInterrupt)
    try:
        for _ in b.readable():
            pass
        raise AssertionError("it was not interrupted")
    except KeyboardInterrupt:
        pass
    finally:
        queue.poller = kept
    assert not queue.map
    await hears(a, b, net)
    # Noted by asyncio and not by the poller, and by a task that is no more.
    for task in (None, core.cur_task):
        queue.map[id(b.sock)] = [task, None, b.sock]
        await hears(a, b, net)
        assert not queue.map
    a.close()
    b.close()


def test_interrupted():
    asyncio.run(interrupted())
