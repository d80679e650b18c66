"""phone.py call against phone.py listen, on every pair of runtimes; and our own registrar."""

import json
import pathlib
import socket

import pytest
import rig as rigs

import runner

SLOW = True
PEER = "usip"
GROUP = "calls with each other"
RUNTIMES = ("cpython", "unix64", "unix32")
PAIRS = [(a, b) for a in RUNTIMES for b in RUNTIMES]


@pytest.mark.parametrize("pair", PAIRS, ids=["-calls-".join(p) for p in PAIRS])
def test_pair(rig, pair):
    """ring, talk both ways, digits both kinds, hang up"""
    played = rig.noise("a.wav", seed=1), rig.noise("b.wav", seed=2)
    recorded = rig.folder / "from-caller.wav", rig.folder / "from-callee.wav"
    called = rig.listener(
        *(pair[1], "--calls", "1", "--answer-after", "0.3"),
        *("--play", played[1], "--record", recorded[0]),
        name="callee",
    )
    caller = rig.phone(
        *(pair[0], "call", f"sip:callee@{called.ip}:5060", "--hangup-after", "3.4"),
        *("--play", played[0], "--record", recorded[1]),
        name="caller",
    )
    for event in ("trying", "ringing", "answered", "ended"):
        last = caller.wait(event)
    caller.finish()
    called.finish()
    names = [x for x in called.names() if x != "trying"]
    assert names == ["incoming", "answered", "ended"]
    assert (last["code"], last["reason"]) == (200, "HungUp")
    assert last["packets_lost"] == called.all("ended")[0]["packets_lost"] == 0
    for a, b in zip(played, recorded):
        fit = rigs.heard(a, b)
        rig.note(f"{b.stem} {fit:.3f}")
        assert fit > 0.9


@pytest.mark.parametrize("mode", ("info", "rtp"))
@pytest.mark.parametrize("pair", PAIRS, ids=["-calls-".join(p) for p in PAIRS])
def test_digits(rig, pair, mode):
    """every digit once"""
    called = rig.listener(pair[1], "--calls", "1", name="callee")
    caller = rig.phone(
        *(pair[0], "call", f"sip:callee@{called.ip}:5060", "--dtmf", "1159*0#"),
        *("--dtmf-mode", mode, "--hangup-after", "0.3"),
        name="caller",
    )
    caller.wait("ended", seconds=15)
    caller.finish()
    called.finish()
    assert called.digits() == called.digits(mode) == "1159*0#"


@pytest.mark.parametrize("server", RUNTIMES)
def test_registrar(rig, server):
    """our registrar: digest, 302 followed, text, wrong password"""
    ip = rig.ip()
    argv, env = runner.command(
        server, rigs.ROOT / "examples" / "registrar.py", [f"{ip}:5060", "door:ding", "indoor:dong"]
    )
    rig._add(rigs.Program(argv, rig.folder, "registrar", env))
    rigs.until(lambda: rigs.bound(ip), "the registrar binds")

    def account(user, password):
        return "--account", f"sip:{user}@{ip}", "--password", password

    called = rig.phone(
        *("cpython", *account("indoor", "dong"), "--allow", "registrar,127.77.*"),
        *("listen", "--calls", "1"),
        name="indoor",
    )
    called.wait("registered")
    text = rig.phone("unix32", "message", f"sip:indoor@{called.ip}", "Grüße", name="text")
    text.wait("message-sent", code=200)
    text.finish()
    called.wait("message", text="Grüße")
    plain = rig.phone(
        *("unix32", *account("door", "ding"), "call", f"sip:indoor@{ip}"), name="asks"
    )
    plain.wait("ended", code=302, reason="Redirected")
    plain.finish(1)
    caller = rig.phone(
        *("unix32", *account("door", "ding"), "call", f"sip:indoor@{ip}", "--follow"),
        *("--hangup-after", "0.5"),
        name="door",
    )
    caller.wait("ended", code=200)
    caller.finish()
    called.finish()
    wrong = rig.phone(*("cpython", *account("door", "dong"), "register"), name="wrong")
    wrong.wait("registration-failed", code=401)
    wrong.finish(1)


def free_port():
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as s:
        s.bind(("::1", 0))
        return s.getsockname()[1]


@pytest.mark.parametrize("pair", [("cpython", "unix32"), ("unix32", "cpython")], ids="-".join)
def test_ipv6(rig, pair):
    """a call between IPv6 addresses, with a digit"""
    ports = free_port(), free_port()

    def phone(runtime, port, name, *args):
        args = ["--json", "--bind", f"[::1]:{port}", *args]
        argv, env = runner.command(runtime, rigs.PHONE, args)
        out = open(rig.folder / f"{name}.stdout", "wb")
        return rig._add(rigs.Program(argv, rig.folder, name, env, stdout=out))

    def said(name):
        return [json.loads(x) for x in (rig.folder / f"{name}.stdout").read_text().splitlines()]

    phone(pair[1], ports[1], "callee", "listen", "--calls", "1", "--for", "20")
    table = pathlib.Path("/proc/net/udp6")
    rigs.until(lambda: f":{ports[1]:04X} " in table.read_text(), "the callee binds")
    to = f"sip:callee@[::1]:{ports[1]}"
    caller = phone(pair[0], ports[0], "caller", "call", to, "--dtmf", "7", "--hangup-after", "0.5")
    assert caller.join(20) == 0, caller.tell()
    rigs.until(lambda: said("callee") and said("callee")[-1]["event"] == "ended", "the call ends")
    assert [e["digit"] for e in said("callee") if e["event"] == "dtmf"] == ["7"]
    end = said("caller")[-1]
    assert end["event"] == "ended" and end["code"] == 200 and end["packets_received"] > 20
