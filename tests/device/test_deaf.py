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

    def __init__(self, poller, n):
        self.n = n
        self.ipoll = poller.ipoll
        self.modify = poller.modify
        self.unregister = poller.unregister
        self._register = poller.register

    def register(self, *args):
        self.n -= 1
        if self.n >= 0:
            raise MemoryError
        self._register(*args)


async def deaf():
    net = Net("127.0.0.1")
    a = net.udp("127.0.0.1", 0)
    b = net.udp("127.0.0.1", 0)
    queue = core._io_queue
    kept = queue.poller
    queue.poller = Poller(kept, 2)
    raised = 0
    try:
        a.sendto(b"hello", net.resolve(b"127.0.0.1", b.port))
        while True:
            try:
                await asyncio.wait_for(b.readable(), 2)
                break
            except MemoryError:
                raised += 1
        buf = bytearray(100)
        assert b.readinto(buf) == 5 and raised == 2, raised
    finally:
        queue.poller = kept
    # And again, now that there is memory: nothing is left over of the failures.
    a.sendto(b"again", net.resolve(b"127.0.0.1", b.port))
    await asyncio.wait_for(b.readable(), 2)
    assert b.readinto(buf) == 5
    assert not queue.map
    a.close()
    b.close()


def test_no_memory_to_wait():
    asyncio.run(deaf())
