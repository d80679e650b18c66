"""From socket to sound and back nothing is allocated: counted in a call over real sockets."""

import pathlib
import subprocess

import rig as rigs

import runner

SLOW = True
PEER = "usip"
CALL = pathlib.Path(rigs.ROOT, "tools", "bench", "device", "callalloc.py")


def test_two_seconds_of_a_call_allocate_nothing(rig):
    """a call over sockets allocates 0 bytes per RTP packet (unix32)"""
    there = rig.listener("cpython", "--calls", "1", name="callee")
    args = ("5060", f"sip:callee@{there.ip}:5060", rig.ip())
    argv, env = runner.command("unix32", CALL, args, heap="1M")
    out = subprocess.run(argv, env=env, capture_output=True, text=True, timeout=30)
    assert out.returncode == 0, out.stderr
    used, sent, received = map(int, out.stdout.split())
    rig.note(f"{used} bytes for {sent} packets out and {received} in")
    assert used == 0 and sent > 80 and received > 80
