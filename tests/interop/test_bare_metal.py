"""The phone on boards without an operating system: SIPp and the phone on CPython call it."""

import os

import pytest
import rig as rigs

import runner

SLOW = True
PEER = "sipp"
BOARDS = ("qemu-arm", "qemu-rv32")
RECORDINGS = rigs.Path("/usr/share/sip-tester")


@pytest.fixture
def registrar(rig):
    """Our registrar on CPython, with digest: the arguments of an account there, by user."""
    ip = rig.ip()
    argv, env = runner.command(
        "cpython", rigs.ROOT / "examples/registrar.py", [f"{ip}:5060", "door:ding", "flat:dong"]
    )
    rig._add(rigs.Program(argv, rig.folder, "registrar", env))
    rigs.until(lambda: rigs.bound(ip), "the registrar binds")

    def account(user):
        password = {"door": "ding", "flat": "dong"}[user]
        return "--account", f"sip:{user}@{ip}", "--password", password

    account.ip = ip
    return account


@pytest.mark.parametrize("board", BOARDS)
def test_called_by_sipp(rig, registrar, board):
    """registered with digest; SIPp calls: ring, answer, sound both ways, digits, BYE both ways"""
    if not (RECORDINGS / "dtmf_2833_5.pcap").exists():
        rigs.missing("SIPp's recordings of digits are not on this machine")
    if os.geteuid():
        pytest.skip("SIPp plays recordings through raw sockets, which only root has")
    rig.pieces = True  # the recordings were cut out of one stream, with its sequence numbers
    played = rig.noise()
    recorded = rig.folder / "recorded.wav"
    phone = rig.phone(
        *(board, *registrar("door"), "listen", "--calls", "2", "--answer-after", "0.2"),
        *("--play", played, "--record", recorded, "--hangup-after", "3.4"),
    )
    phone.wait("registered")
    sipp = rig.sipp("uac_digits", phone.ip, recordings=RECORDINGS)
    phone.wait("ended", code=200)
    sipp.finish()
    assert phone.digits("rtp") == "5*#5"
    sipp = rig.sipp("uac_call", phone.ip, echo=True)
    phone.wait("incoming")
    phone.wait("answered")
    end = phone.wait("ended", code=200)
    phone.finish()
    sipp.finish()
    assert end["packets_lost"] == 0
    assert end["packets_received"] >= end["packets_sent"] - 20 >= 100
    fit = rigs.heard(played, recorded)
    rig.note(f"correlation {fit:.4f}")
    assert fit > 0.9


@pytest.mark.parametrize("board", BOARDS)
def test_called_by_phone(rig, registrar, board):
    """registered with digest; called by the phone on CPython: sound both ways, digits, BYE"""
    _talk(rig, registrar, "cpython", board, "info")


@pytest.mark.parametrize("board", BOARDS)
def test_calls_phone(rig, registrar, board):
    """registered with digest; calls the phone on CPython: sound both ways, digits, BYE"""
    _talk(rig, registrar, board, "cpython", "rtp")


def _talk(rig, registrar, a, b, mode):
    played = rig.noise("a.wav", seed=1), rig.noise("b.wav", seed=2)
    recorded = rig.folder / "from-caller.wav", rig.folder / "from-callee.wav"
    called = rig.phone(
        *(b, *registrar("door"), "listen", "--calls", "1", "--answer-after", "0.3"),
        *("--play", played[1], "--record", recorded[0]),
        name="callee",
    )
    called.wait("registered")
    caller = rig.phone(
        *(a, *registrar("flat"), "call", f"sip:door@{registrar.ip}", "--follow"),
        *("--play", played[0], "--record", recorded[1]),
        *("--dtmf", "159*0#", "--dtmf-mode", mode, "--hangup-after", "3.4"),
        name="caller",
    )
    caller.wait("registered")
    for event in ("ringing", "answered"):
        caller.wait(event)
    end = caller.wait("ended", code=200, reason="HungUp", seconds=20)
    caller.finish()
    called.finish()
    assert called.digits(mode) == called.digits() == "159*0#"
    assert end["packets_lost"] == called.all("ended")[0]["packets_lost"] == 0
    for sent, got in zip(played, recorded):
        if mode == "rtp" and got is recorded[0]:
            continue  # the caller's digits took the place of most of its sound
        fit = rigs.heard(sent, got)
        rig.note(f"{got.stem} {fit:.3f}")
        assert fit > 0.9
