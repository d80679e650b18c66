"""The network goes away and comes back, with another address: registered again within seconds, and
the call goes on.
"""

import time

import pytest
import rig as rigs
from asterisk import Puppet

SLOW = True
PEER = "kamailio"
GROUP = "bad networks"
OTHER = {"cpython": "unix32", "unix32": "cpython"}
AWAY_S = 10


def look(phone):
    phone.do("look")
    return phone.wait("look")


def flows(phone, packets=40):
    """Wait until so many more were received; how many were lost by then."""
    most = look(phone)["packets_received"] + packets
    rigs.until(lambda: look(phone)["packets_received"] > most, f"{phone.name} hears")
    return look(phone)["packets_lost"]


@pytest.mark.parametrize("moves", (False, True), ids=("same address", "another address"))
def test_the_network_returns(rig, moves):
    """10 s without network in a call, then the same or another address: both go on"""
    net = rig.net()
    rig.pieces = True  # tshark need not say that packets were lost
    proxy = rig.kamailio(at=net.b)
    pairs = []
    for n, runtime in enumerate(("cpython", "unix32")):
        # Bound to no address: a board's is the one that its network gave it.
        how = {"ip": "0.0.0.0", "port": 5060 + 10 * n, "at": net.a, "trace": False}
        names = f"door-{runtime}", f"indoor-{runtime}"
        door = Puppet(rig.folder, names[0], runtime, *proxy.account(names[0]), **how)
        how = {"at": net.b, "trace": False}
        indoor = Puppet(rig.folder, names[1], OTHER[runtime], *proxy.account(names[1]), **how)
        for phone in (rig._add(door), rig._add(indoor)):
            phone.wait("registered")
        pairs.append((door, indoor))
    for door, indoor in pairs:
        door.do(f"call sip:{indoor.name}@{proxy.ip}")
        door.wait("answered")
    for pair in pairs:
        for phone in pair:
            flows(phone)
    net.impair(loss=100)
    began = time.monotonic()
    if moves:
        net.a.move()
    rigs.until(lambda: time.monotonic() - began > AWAY_S, "the network is back", AWAY_S + 5)
    net.impair()
    back = time.monotonic()
    for door, _ in pairs:
        door.do("reregister")
    registered = [door.wait("registered", 30)["at"] - back for door, _ in pairs]
    rig.note("registered after %d and %d ms" % tuple(1000 * x for x in registered))
    assert max(registered) < 5, registered
    for pair in pairs:
        for phone in pair:
            lost = flows(phone)
            # Where the address is another one, what was sent to the old one is lost as well.
            assert lost < 50 * (AWAY_S + 3), phone.tell()
    heard = time.monotonic() - back
    rig.note(f"sound after {heard:.1f} s")
    print("; ".join(rig.notes))
    assert heard < 10
    for door, indoor in pairs:
        # The call ends as calls do, and the next one arrives where the door is now.
        indoor.do("hangup")
        assert indoor.wait("ended")["code"] == 200 and door.wait("ended")["code"] == 200
        indoor.do(f"call sip:{door.name}@{proxy.ip}")
        indoor.wait("answered")
        flows(indoor)
        indoor.do("hangup")
        door.wait("ended", code=200)
        for phone in (door, indoor):
            phone.do("quit")
            phone.finish()
