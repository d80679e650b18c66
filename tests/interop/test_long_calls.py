"""Five minutes of sound: with baresip, and with a peer whose crystal is off. All at once."""

import pytest
import rig as rigs
from baresip import Baresip

SLOW = True
PEER = "baresip"
SECONDS = 300
PPM = 200
LIMIT_S = SECONDS + 100
TALK = (3.7, 0.4)  # seconds of noise, and of silence
FIGURES = ("packets_sent", "packets_received", "packets_lost", "packets_late", "frames_concealed")
FIGURES += ("delay_ms", "jitter_ms", "rtt_ms", "remote_lost", "remote_jitter_ms")


class Long:
    """A long call of a phone of ours on `runtime`: `sounds` are (what was played, the recording)
    of what the other one heard and of what we heard."""

    def __init__(self, rig, name, runtime):
        self.rig, self.name, self.runtime = rig, name, runtime
        self.seed = sum(name.encode())
        self.other = None
        self.ours, self.theirs = (
            rig.noise(f"{name}-{x}.wav", seconds=SECONDS + 5, seed=self.seed + i, talk=TALK)
            for i, x in enumerate(("ours", "theirs"))
        )
        self.recorded = rig.folder / f"{name}-heard.wav"

    def call(self, uri):
        self.phone = self.rig.phone(
            *(self.runtime, "call", uri, "--play", self.ours, "--record", self.recorded),
            *("--hangup-after", str(SECONDS)),
            name=self.name,
            limit=LIMIT_S,
            urgent=True,
        )

    def baresip(self):
        peer = Baresip(
            self.rig.folder, f"b-{self.name}", play=self.theirs, limit=LIMIT_S, urgent=True
        )
        self.peer = self.rig._add(peer)
        self.call(peer.uri)
        return self

    def skewed(self, ppm):
        self.other = self.rig.folder / f"{self.name}-heard-there.wav"
        self.peer = self.rig.phone(
            *("cpython", "listen", "--calls", "1"),
            *("--play", self.theirs, "--record", self.other),
            name=f"s-{self.name}",
            limit=LIMIT_S,
            urgent=True,
            program=rigs.HERE / "skewed.py",
            before=[str(ppm)],
            path=[rigs.ROOT / "tools"],
        ).ready()
        self.call(f"sip:peer@{self.peer.ip}:5060")
        return self

    def over(self):
        end = self.phone.wait("ended", seconds=SECONDS + 60, code=200)
        self.phone.finish()
        if self.other:
            self.peer.finish()
            there = self.peer.all("ended")[0]
        else:
            self.peer.stop()
            there = {}
            self.other = self.peer.recordings()[0]
        found = {"here": {k: end[k] for k in FIGURES}, "there": {k: there.get(k) for k in FIGURES}}
        fits = rigs.fit(self.theirs, self.recorded), rigs.fit(self.ours, self.other)
        for key, fit in zip(("here", "there"), fits):
            found[key]["sound"] = fit.figures()
            found[key]["places"] = fit.places()[:40]
        return found


def good(found, where):
    s = found[where]["sound"]
    assert s["seconds"] > 0.85 * SECONDS * TALK[0] / sum(TALK), (where, s)
    # A machine that stands still tears a piece: the others are whole.
    assert s["whole"] > 0.95 and s["median"] > 0.98 and s["good"] > 0.98, (where, s)


@pytest.mark.timeout(LIMIT_S + 100)
def test_five_minutes(rig):
    """five minutes with baresip and with clocks 200 ppm off: no packet lost, all sound whole"""
    rig.in_memory()
    calls = [Long(rig, f"baresip-{r}", r).baresip() for r in ("cpython", "unix32")]
    calls += [Long(rig, "fast-unix32", "unix32").skewed(PPM)]
    calls += [Long(rig, "slow-cpython", "cpython").skewed(-PPM)]
    found = {c.name: c.over() for c in calls}
    rig.figures("long_calls", found)
    for name, f in found.items():
        heard = f["here"]["sound"]
        rig.note(
            f"{name}: {f['here']['packets_lost']} of {f['here']['packets_received']} lost, "
            f"{heard['whole']:.3f}, worst {heard['worst']:.2f}, delay {f['here']['delay_ms']} ms"
        )
    for name, f in found.items():
        assert f["here"]["packets_lost"] == 0, (name, f)
        assert f["here"]["packets_received"] > 49 * SECONDS, (name, f)
        assert f["there"]["packets_lost"] in (0, None), (name, f)
        assert f["here"]["delay_ms"] <= 100, (name, f)
        # baresip's reports come from another address than its SDP names, as through a NAT.
        assert 0 <= f["here"]["rtt_ms"] < 500 and f["here"]["remote_lost"] == 0, (name, f)
        good(f, "here")
        good(f, "there")
