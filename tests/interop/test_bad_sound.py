"""What is heard over bad networks: between two namespaces, packets are lost and delayed."""

import json

import pytest
import rig as rigs

SLOW = True
PEER = "usip"
GROUP = "bad networks"
SECONDS = 10
FIGURES = ("packets_received", "packets_lost", "packets_late", "frames_concealed", "delay_ms")
FIGURES += ("jitter_ms", "rtt_ms", "remote_lost", "remote_jitter_ms")
OTHER = {"cpython": "unix32", "unix32": "cpython"}


class Talk:
    """A call from `runtime` at side a. The network is bad while both speak, and only then."""

    def __init__(self, rig, net, runtime):
        self.name = runtime
        self.played, self.recorded = [], []
        for i in (1, 2):
            file = rig.noise(f"{runtime}-{i}.wav", seconds=SECONDS, seed=i, talk=(1.7, 0.3))
            self.played.append(file)
            self.recorded.append(rig.folder / f"{runtime}-heard-{i}.wav")
        self.callee = rig.phone(
            *(OTHER[runtime], "listen", "--calls", "1"),
            *("--play", self.played[1], "--record", self.recorded[0]),
            name=f"callee-of-{runtime}",
            at=net.b,
            urgent=True,
        ).ready()
        self.caller = rig.phone(
            *(runtime, "call", f"sip:callee@{self.callee.ip}"),
            *("--play", self.played[0], "--record", self.recorded[1]),
            *("--hangup-after", str(SECONDS)),
            name=f"caller-{runtime}",
            at=net.a,
            urgent=True,
        )

    def over(self):
        """{side: figures}"""
        found = {}
        ends = [p.wait("ended", SECONDS + 20, code=200) for p in (self.callee, self.caller)]
        for who, end, i in zip(("callee", "caller"), ends, (0, 1)):
            sound = rigs.fit(self.played[i], self.recorded[i], found=0.5)
            found[who] = {k: end[k] for k in FIGURES}
            found[who]["sound"] = sound.figures()
        self.caller.finish()
        self.callee.finish()
        return found


# What the network does; what is heard whole (the share of tenths of a second), how well in all;
# the highest delay.
NETWORKS = {
    "loss 5 %": ({"loss": 5}, 0.65, 0.93, 90),
    "loss 15 %": ({"loss": 15}, 0.4, 0.85, 90),
    "jitter 60 ms": ({"jitter": 60}, 0.9, 0.95, 140),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_sound(rig, name):
    """ten seconds of sound each way, both runtimes at both ends"""
    how, good, whole, delay = NETWORKS[name]
    rig.in_memory()
    rig.pieces = True  # tshark need not say that packets were lost
    net = rig.net(seed=7, urgent=True)
    talks = [Talk(rig, net, runtime) for runtime in OTHER]
    for talk in talks:
        talk.caller.wait("answered")
    before = net.look()["ab"]["came"]
    rigs.until(lambda: net.look()["ab"]["came"] > before + 30, "sound flows")
    net.impair(**how)
    began = net.look()
    rigs.until(lambda: net.look()["ab"]["came"] > before + 2 * 47 * (SECONDS - 1), "it was bad", 30)
    ended = net.look()
    if how.get("loss"):
        net.impair()  # so that no BYE is lost
    found = {t.name: t.over() for t in talks}
    rig.figures(f"network {name}", found)
    sides = [s for f in found.values() for s in f.values()]
    for k in ("packets_lost", "frames_concealed", "packets_late", "delay_ms"):
        rig.note(f"{k} " + "/".join(str(s[k]) for s in sides))
    rig.note("heard " + "/".join(f"{s['sound']['whole']:.2f}" for s in sides))
    lost = sum(ended[w]["lost"] - began[w]["lost"] for w in ("ab", "ba"))
    # The reports may have been lost as well.
    assert abs(sum(s["packets_lost"] for s in sides) - lost) <= 6, (lost, sides)
    for side in sides:
        text = json.dumps(side)
        assert side["packets_received"] > 0.95 * (50 * SECONDS - side["packets_lost"]), text
        assert side["sound"]["good"] > good and side["sound"]["whole"] > whole, text
        assert 20 <= side["delay_ms"] <= delay, text
        if how.get("loss"):
            # Each lost packet is made up for, and hardly more.
            ratio = side["frames_concealed"] / side["packets_lost"]
            assert 0.9 < ratio < 1.3, text
