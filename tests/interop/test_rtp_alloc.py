"""From socket to sound and back nothing is allocated: counted over real sockets."""

import pathlib
import subprocess

import pytest
import rig as rigs

import runner

SLOW = True
PEER = "usip"
DEVICE = pathlib.Path(rigs.ROOT, "tools", "bench", "device")


def said(file, args, **how):
    """The numbers that a program prints on unix32, line by line."""
    argv, env = runner.command("unix32", DEVICE / file, args, **how)
    out = subprocess.run(argv, env=env, capture_output=True, text=True, timeout=30)
    assert out.returncode == 0, out.stdout + out.stderr
    return [[int(x) for x in line.split()] for line in out.stdout.splitlines()]


@pytest.mark.parametrize("codec, rate", (("pcma", 8000), ("g722", 8000), ("g722", 16000)))
def test_two_seconds_of_a_call_allocate_nothing(rig, codec, rate):
    """a call over sockets allocates 0 bytes per RTP packet, G.722 too (unix32)"""
    there = rig.listener("cpython", "--calls", "1", first=("--codecs", codec), name="callee")
    number = "9" if codec == "g722" else "8"
    args = ("5060", f"sip:callee@{there.ip}:5060", rig.ip(), number, str(rate))
    [[used, sent, received, digit]] = said("callalloc.py", args, heap="1M")
    rig.note(f"{used} bytes for {sent} packets out and {received} in; {digit} for a digit")
    assert used == 0 and sent > 80 and received > 80
    assert 0 < digit < 1500


@pytest.mark.parametrize("how", ("counted", "locked"))
def test_a_thousand_packets_each_way_allocate_nothing(rig, how):
    """1,000 packets each way, lost, doubled and mixed, digits and reports: 0 bytes (unix32)"""
    path = [pathlib.Path(rigs.ROOT, "tests", "support")]
    first, second = said("pathalloc.py", ["1000", how], heap="1M", path=path)
    used, *packets, digits, listener = first
    lost, twice, concealed, delay = second
    rig.note(f"{used} bytes for {packets} packets, {digits} digits; {concealed} frames made up")
    assert used == 0
    assert min(packets[0], packets[2]) >= 1000 and min(packets[1], packets[3]) > 930
    assert lost > 40 and twice > 5 and concealed > 40 and 20 <= delay <= 200
    assert digits == 44 and listener > 0
