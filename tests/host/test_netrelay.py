"""The bad network of the interop tests: what it does to packets is what it says."""

import contextlib
import json
import os
import shutil
import struct
import subprocess
import sys
import time
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).resolve().parent.parent / "interop"))

import netrelay  # noqa: E402

IN, OUT, ELSE = (bytes([192, 168, 77, 16]), 5060), (bytes([203, 0, 113, 64]), 5060), (b"ELSE", 9)


def datagram(source, target, payload=b"INVITE sip:x SIP/2.0"):
    head = (
        struct.pack("!BxHHHBBH", 0x45, 28 + len(payload), 0, 0, 64, 17, 0) + source[0] + target[0]
    )
    head = head[:10] + struct.pack("!H", netrelay.ip_sum(head)) + head[12:]
    ports = struct.pack("!HHHH", source[1], target[1], 8 + len(payload), 1)
    return netrelay.Packet.read(head + ports + payload)


def test_readdressed():
    before = datagram(IN, OUT)
    after = before.readdressed(ELSE, OUT)
    assert (after.source, after.target, after.payload) == (ELSE, OUT, before.payload)
    assert len(after.data) == len(before.data)
    assert netrelay.ip_sum(after.data[:20]) == 0  # with the checksum in it the sum is all ones
    # length as it was, checksum: none
    assert after.data[24:28] == before.data[24:26] + bytes(2)
    assert netrelay.Packet.read(b"\x60" + bytes(60)) is None  # IPv6
    assert netrelay.Packet.read(before.data[:6] + b"\x20" + before.data[7:]) is None  # a piece


def test_nat():
    nat = netrelay.Nat(1, 5)
    first = nat.out(datagram(IN, OUT), 0)
    assert first.source[0] == bytes([203, 0, 113, 1]) and first.target == OUT
    assert nat.out(datagram(IN, ELSE), 1).source == first.source  # for all who are outside
    assert nat.out(datagram((IN[0], 16384), OUT), 1).source != first.source
    assert nat.back(datagram(OUT, first.source), 5).target == IN
    for stranger in ((OUT[0], 5061), (b"some", 5060)):
        assert nat.back(datagram(stranger, first.source), 2) is None
    assert nat.back(datagram(OUT, (first.source[0], first.source[1] + 1)), 2) is None
    # What came in did not keep it open, what goes out does.
    assert nat.back(datagram(OUT, first.source), 5.1) is None
    assert nat.out(datagram(IN, ELSE), 5.5).source == first.source
    again = nat.out(datagram(IN, OUT), 20)
    assert again.source[0] == first.source[0] and again.source[1] != first.source[1]
    nat.rebind()
    assert nat.back(datagram(OUT, again.source), 20) is None
    assert nat.out(datagram(IN, OUT), 20).source[0] == bytes([203, 0, 113, 2])


def relay(seed):
    reading, writing = os.pipe2(os.O_NONBLOCK)
    r = netrelay.Relay({"ab": writing, "ba": writing}, seed, None)
    return r, reading, writing


def fates(seed, n=400, orders=({"ab": {"loss": 15}},), other=0):
    """Which of `n` packets arrive."""
    r, reading, writing = relay(seed)
    for order in orders:
        counts = r.order(order)
    arrived = []
    for i in range(n):
        for _ in range(other):
            r.take("ab", datagram((IN[0], 16384), OUT, b"sound").data)
        r.take("ab", datagram(IN, OUT, b"INVITE %03d" % i).data)
        while r.deliver() is not None:
            pass
        with contextlib.suppress(BlockingIOError):
            arrived += [int(x[:3]) for x in os.read(reading, 9999).split(b"INVITE ")[1:]]
    os.close(reading)
    os.close(writing)
    return arrived, {**counts, **r.order({})}


def test_loss_is_seeded():
    arrived, counts = fates(1)
    assert fates(1)[0] == arrived != fates(2)[0]
    assert fates(1, other=2)[0] == arrived  # whatever else is on the way
    lost = 400 - len(arrived)
    assert 40 < lost < 80 and counts["ab"]["lost"] == lost and counts["ba"]["came"] == 0
    assert fates(1, orders=({"ba": {"loss": 100}},))[0] == list(range(400))
    arrived, counts = fates(1, orders=({"ab": {"dup": 100}},))
    assert arrived == sorted([*range(400)] * 2) and counts["ab"]["twice"] == 400


def test_dropped():
    rule = {"drop": 2, "way": "ab", "words": ["INVITE", "07"]}
    arrived, counts = fates(1, 100, [rule, {**rule, "way": "ba"}])
    assert sorted({*range(100)} - {*arrived}) == [7, 70]
    assert counts["dropped"] == [2, 0]


def test_late():
    r, reading, writing = relay(3)
    r.order({"ab": {"late": 30}})
    for i in range(100):
        r.take("ab", datagram(IN, OUT, b"INVITE %03d" % i).data)
    end = time.monotonic() + 5
    while r.deliver() is not None and time.monotonic() < end:
        pass
    got = [int(x[:3]) for x in os.read(reading, 9999).split(b"INVITE ")[1:]]
    os.close(reading)
    os.close(writing)
    late = r.order({})["ab"]["late"]
    assert 15 < late < 45 and sorted(got) == list(range(100)) != got
    assert got[:-late] == sorted(got[:-late])


def test_nothing_is_left():
    # The networks go with a test run that is killed.
    missing = pytest.fail if os.environ.get("CI") else pytest.skip
    if os.geteuid():
        missing("network namespaces are for root")
    ip = shutil.which("ip") or shutil.which("ip", path="/usr/sbin:/sbin")
    if not ip:
        missing("ip is not on this machine (tools/setup interop)")
    start = """if True:
        import subprocess, sys
        pipe = subprocess.PIPE
        relay = subprocess.Popen([sys.executable, *sys.argv[1:]], stdin=pipe, stdout=pipe)
        print(relay.pid, flush=True)
        print(relay.stdout.readline().decode(), flush=True)
        relay.wait()
    """
    argv = [sys.executable, "-c", start, netrelay.__file__, ip, "1", ""]
    run = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
    try:
        pid = int(run.stdout.readline())
        made = json.loads(run.stdout.readline())
        if "error" in made:
            missing(made["error"])
        inside = [os.stat(side["namespace"]).st_ino for side in made.values()]
        for side in made.values():
            done = subprocess.run(
                ["nsenter", f"--net={side['namespace']}", ip, "-brief", "address"],
                capture_output=True,
                text=True,
                timeout=10,
            )
            assert "net " in done.stdout and side["hosts"][0] in done.stdout, done
    finally:
        run.kill()
        run.wait()
        run.stdout.close()

    def users():
        found = []
        for process in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                found.append(os.stat(process / "ns" / "net").st_ino)
        return found

    def alive():
        with contextlib.suppress(OSError):
            # a process that nobody has asked for its exit status is no more than that
            return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
        return False

    end = time.monotonic() + 10
    while alive():
        assert time.monotonic() < end, "the relay lives on"
        time.sleep(0.01)
    assert not set(inside) & set(users())
