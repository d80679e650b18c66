# usip: host names, looked up before they are needed
# MIT licence; Copyright (c) 2026 the usip authors

import asyncio

from . import limits
from .clock import later, left


class Names:
    """What names of hosts stand for. The application's are looked up, by `net.look`, when it gives
    them; those that the network gives never are (see Agent.flow_to): on a board nothing goes on
    until the answer is there, and who names a host may also be its name server."""

    def __init__(self, net):
        self.net = net
        self.homes = []  # kept, and looked up again when there is a reason
        self._found = {}  # numeric hosts by name, bytes
        self._task = None
        self._at = None  # not asked again before

    def address(self, host, port):
        """The port's address for sendto, None for a name that is not known."""
        return self.net.resolve(self._found.get(host, host), port)

    async def prepare(self, host, again=False):
        """Look `host` (bytes) up, without stopping anything else where the platform can. A home is
        not looked up twice, unless `again`."""
        found = self._found
        if self.net.resolve(host, 0) or host in self.homes and host in found and not again:
            return
        address = await self.net.look(host)
        if not address:
            return  # better an old address than none
        if len(found) >= limits.NAMES:
            for name in list(found):
                if name not in self.homes:
                    del found[name]
        found[host] = address

    async def again(self):
        """Look the homes up. Whether any has another address than before."""
        found = self._found
        before = [found.get(host) for host in self.homes]
        for host in tuple(self.homes):
            await self.prepare(host, True)
        return before != [found.get(host) for host in self.homes]

    def ask(self, changed, t):
        """Look the homes up in a task of its own, and call `changed` where one has moved. Not
        often: a board stands still for seconds when no name server answers."""
        if not self.homes or self._task:
            return
        # One that is over must not come back with the clock.
        if self._at is None or not 0 < left(self._at, t) <= limits.NAMES_AGAIN:
            self._at = later(t, limits.NAMES_AGAIN)
            self._task = asyncio.create_task(self._ask(changed))

    async def _ask(self, changed):
        try:
            if await self.again():
                changed()
        finally:
            self._task = None
