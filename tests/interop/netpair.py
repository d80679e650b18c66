"""Two network namespaces joined by a bad network, for programs of the rig.

    net = rig.net(nat=5)                      # mappings live 5 s
    door = rig.phone("unix32", ..., at=net.a)
    net.impair(loss=15)

netrelay.py is the network and says what it can do.
"""

import json
import os
import select
import subprocess
import sys

import rig as rigs


class Side:
    """One end: how to start a program there, and its addresses."""

    def __init__(self, namespace, hosts):
        self.enter = (rigs.program("nsenter"), f"--net={namespace}")
        self._hosts = hosts
        self._all = set(hosts)
        self.address = hosts[0]  # what a socket has that is bound to none

    def move(self):
        """From now on that is another one: the first that nobody took. The old one is gone."""
        old = self.address
        self.address = self._hosts[0]
        orders = ["address flush dev net", f"address add {self.address}/1 dev net"]
        # Those that programs may have taken: their sockets live on.
        n = int(self.address.rpartition(".")[2])
        net = self.address[: self.address.rindex(".") + 1]
        for i in range(n - 32, n + 32):
            if f"{net}{i}" in self._all - {old, self.address}:
                orders.append(f"address add {net}{i}/1 dev net")
        subprocess.run(
            [*self.enter, rigs.program("ip"), "-batch", "-"],
            input="\n".join(orders) + "\n",
            text=True,
            check=True,
            timeout=20,
        )

    def take(self):
        """An address that no other program has."""
        return self._hosts.pop(0)


class NetPair(rigs.Program):
    """`a` and `b` are the sides; a NAT is in front of `a`. Gone with the process that made it."""

    def __init__(self, folder, name, seed=1, nat=None, limit=100, **more):
        if os.geteuid():
            rigs.missing("network namespaces are for root")
        self.counts = {}
        argv = [sys.executable, rigs.HERE / "netrelay.py", rigs.program("ip"), seed, nat or ""]
        pipe = subprocess.PIPE
        super().__init__(argv, folder, name, limit=limit, stdin=pipe, stdout=pipe, **more)
        made = self._answer()
        if "error" in made:
            rigs.missing(f"no network namespaces with TUN devices here: {made['error']}")
        self.a = Side(**made["a"])
        self.b = Side(**made["b"])

    def _answer(self):
        ready = select.select([self.process.stdout], [], [], rigs.WAIT_S)[0]
        line = self.process.stdout.readline() if ready else b""
        assert line, f"no answer from the relay\n{self.tell()}"
        return json.loads(line)

    def _order(self, **what):
        self.process.stdin.write(json.dumps(what).encode() + b"\n")
        self.process.stdin.flush()
        self.counts = self._answer()
        return self.counts

    def impair(self, ways=("ab", "ba"), **how):
        """From now on this, and nothing else, happens to what goes these ways; netrelay.py has the
        words."""
        self._order(**{way: how for way in ways})

    def drop(self, n, way, *words):
        """The next `n` packets this way that contain all these words are lost."""
        self._order(drop=n, way=way, words=words)

    def rebind(self):
        """The NAT's mappings are gone, and its address is another one."""
        self._order(rebind=True)

    def look(self):
        """The counts: {"ab": {"came", "lost", "twice", "late"}, "ba": ..., "dropped": [one a
        drop()], "mappings"}."""
        return self._order()

    def lost(self):
        counts = self.look()
        return counts["ab"]["lost"] + counts["ba"]["lost"]
