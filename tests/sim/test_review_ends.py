# usip: transactions that outlived their use, and what cannot be answered

from calling import Bench
from usip import limits


def test_a_cancel_that_nobody_answers_behind_another_invite():
    # 9.1: 64*T1 after the CANCEL the INVITE's transaction is destroyed, whatever waits before it.
    b = Bench()
    b.dial()
    b.answered(180)
    other = b.call
    b.run(1000)
    c = b.dial()
    b.answered(180)
    c.hangup(b.now)
    b.run(limits.TIMEOUT + 100)
    assert c.state == b"X" and other.state == b"R"
    assert len(b.agent.transactions) == 1
    # The other's is found at its own time
    b.run(limits.RING_MS + 2 * limits.TIMEOUT)
    assert b.idle()
