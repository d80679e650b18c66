"""The phone on boards without an operating system: SIPp and the phone on CPython call it."""

import csv
import os

import pytest
import rig as rigs
import scenario as scenarios

import runner

SLOW = True
PEER = "sipp"
GROUP = "calls on bare metal"
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
        account = "--account", f"sip:{user}@{ip}", "--password", password
        return *account, "--allow", "registrar,127.*"  # they call each other directly

    account.ip = ip
    return account


@pytest.mark.parametrize("board", BOARDS)
def test_called_by_sipp(rig, registrar, board):
    """registered with digest; SIPp calls: ring, answer, sound both ways, digits, BYE both ways"""
    if not (RECORDINGS / "dtmf_2833_5.pcap").exists():
        rigs.missing("SIPp's recordings of digits are not on this machine")
    if os.geteuid():
        rigs.missing("SIPp plays recordings through raw sockets, which only root has")
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


CALLS, RATE = 500, 100
TRIES = 4  # the emulator of a board needs most of a core, which a busy machine may not have
FIRST = ("nice", "-n", "-15")  # where we may (root): a board has a processor of its own


def _load(rig, board, n):
    """One trial of the load: what the board said at its end, and SIPp's own statistics."""
    ip, caller = rig.ip(), rig.ip()
    file = rigs.ROOT / "tools/bench/device/uas.py"
    try:
        argv, env = runner.command(board, file, [ip, "5060", str(CALLS)], timeout=40)
    except runner.RunError as error:
        rigs.missing(str(error))
    said = rig.folder / f"board{n}.stdout"
    with open(said, "wb") as out:
        phone = rigs.Program([*FIRST, *argv], rig.folder, f"board{n}", env, stdout=out)
    rig._add(phone)
    rigs.until(lambda: rigs.bound(ip) or not phone.running, "the board binds")
    (rig.folder / "brief.xml").write_text(scenarios.scenario("uac_brief"))
    stat = rig.folder / f"stat{n}.csv"
    argv = [*FIRST, rigs.program("sipp"), f"{ip}:5060", "-sf", rig.folder / "brief.xml"]
    argv += ["-i", caller, "-p", "5060", "-r", RATE, "-m", CALLS, "-nostdin", "-timeout", "12"]
    # When the machine has stood still SIPp makes up for it, but never by more than 12 calls at
    # once: a board has memory for so many.
    argv += ["-l", "12"]
    argv += ["-timeout_error", "-trace_stat", "-stf", stat, "-fd", "1"]
    env = {**os.environ, "TERM": "dumb"}
    sipp = rig._add(rigs.Program(argv, rig.folder, f"sipp{n}", env, limit=30))
    sipp.join(30)
    if phone.running:
        rigs.until(lambda: not phone.running or b" ended " in said.read_bytes(), "the board's end")
    phone.kill()
    with open(stat) as f:
        return said.read_text(), list(csv.DictReader(f, delimiter=";"))[-1]


@pytest.mark.alone
@pytest.mark.timeout(400)
@pytest.mark.parametrize("board", BOARDS)
def test_load(rig, board):
    """500 calls at 100 a second: none fails, nothing is sent twice"""
    for n in range(TRIES):
        try:
            said, stat = _load(rig, board, n)
        except AssertionError as error:  # it was too busy to come to an end
            said, stat = str(error), {}
        print(said)
        names = ("SuccessfulCall", "FailedCall", "Retransmissions")
        counts = [int(stat.get(x + "(C)", -1)) for x in names]
        rate = float(stat.get("CallRate(C)", 0))
        print(f"trial {n + 1}: {dict(zip(names, counts))}, {rate} a second")
        if counts == [CALLS, 0, 0] and f"{CALLS} ended 0 failed" in said and rate > 0.95 * RATE:
            rig.note(f"{rate:.0f} a second, {said.split()[-1]} bytes free at the worst")
            return
    pytest.fail(f"{TRIES} trials, none clean; the last: {dict(zip(names, counts))}\n{said}")
