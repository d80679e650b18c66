"""RTCP between two phones, and what each says of the other's sound."""

import rig as rigs

SLOW = True
PEER = "usip"


def test_reports(rig, runtime):
    """RTCP both ways: way there and back, the other side's losses; tshark reads every report"""
    called = rig.listener(runtime, "--calls", "1", name="callee")
    to = f"sip:callee@{called.ip}:5060"
    caller = rig.phone("cpython", "call", to, "--hangup-after", "12", name="caller")
    last = caller.wait("ended", seconds=25)
    caller.finish()
    called.finish()
    other = called.all("ended")[0]
    for figures in (last, other):
        # A report, one in answer to it: the second one tells the way.
        assert 0 <= figures["rtt_ms"] < 500, figures
        assert figures["remote_lost"] == 0 and 0 <= figures["remote_jitter_ms"] < 50
    rig.note(f"rtt {last['rtt_ms']} and {other['rtt_ms']} ms")
    kinds = [f.protocols for f in rigs.Dissected(caller.pcap).frames if "rtcp" in f.protocols]
    assert len(kinds) >= 4
