# usip: playing what has come: delay that follows the network, gaps, clocks that differ

from playing import LOUD, PAUSE, Line
from usip import limits
from usip.media import g711
from usip.media.playout import Playout


def level(pcm):
    s = pcm[0] | pcm[1] << 8
    return abs(s - 0x10000 if s & 0x8000 else s)


def test_gaps_are_filled_and_faded():
    line = Line()
    line.lose = (20, 40, 41, 42, 43, 44)
    levels = []
    for _ in range(60):
        line.pcm[0] = line.pcm[1] = 0
        line.step()
        levels.append(level(line.pcm))
    full = max(levels)
    first = 20 + limits.JITTER_START
    assert levels[first - 1] == full and levels[first + 1] == full
    assert full // 2 - 1 <= levels[first] <= full // 2 + 1
    gap = levels[40 + limits.JITTER_START :][:6]
    assert gap[0] > gap[1] > gap[2] > 0 and gap[3:5] == [0, 0] and gap[5] == full
    assert line.made_up == 4 and line.late == 0


def test_the_delay_grows_when_packets_come_late():
    line = Line()
    line.run(50)
    line.delay = 800  # 100 ms more
    line.run(30)
    late = line.late
    heard = line.heard
    line.run(100)
    assert line.late == late and line.heard == heard + 100
    # Five frames later than before, which waited three: two had to be made up, none was lost.
    assert late == 0 and line.made_up == 2
    assert line.buffer.delay_ms < 40


def test_it_stays_below_its_limit():
    # Half of the packets need 300 ms, half none: to wait for all would be too long for talk.
    line = Line()
    for i in range(1000):
        line.delay = 2400 if i & 1 else 0
        line.step()
        assert line.buffer.delay_ms <= 20 * limits.JITTER_MAX
    assert line.heard > 250  # and sound goes on


def test_it_shrinks_in_a_pause():
    line = Line()
    line.run(50)
    line.delay = 800
    line.run(50)
    line.delay = 0
    line.run(100)
    high = line.buffer.delay_ms
    line.run(400)
    assert high >= 100 and line.buffer.delay_ms >= high  # ten seconds have to be over
    made_up = line.made_up
    for _ in range(8):
        line.code = LOUD
        line.run(480)
        line.code = PAUSE
        line.run(40)
    assert line.buffer.delay_ms <= 40
    assert line.made_up == made_up  # nothing was lost for it


def test_it_shrinks_without_a_pause_too():
    line = Line()
    line.run(6000)  # two minutes of noise
    assert line.buffer.delay_ms <= 40
    assert line.late == 0 and line.made_up == 0


def test_clocks_that_differ():
    for skew in (1000, -1000):  # ppm, twenty times what crystals do
        line = Line(skew)
        lowest, highest = 99, 0
        for i in range(120):
            line.code = LOUD if i % 4 else PAUSE
            line.run(100)
            if i > 20:
                lowest = min(lowest, line.buffer.delay_ms)
                highest = max(highest, line.buffer.delay_ms)
        # Four minutes are 240 ms apart: twelve frames were left out or made up, and no more.
        assert line.late == 0 and line.made_up <= 12, (skew, line.late, line.made_up)
        assert highest <= 20 * limits.JITTER_START, (skew, lowest, highest)
        assert line.heard > 11900


def test_a_burst_keeps_what_is_new():
    b = Playout()
    pcm = bytearray(320)
    for i in range(30):  # 600 ms at once
        assert b.put(0, 160 * i, 0, bytes((0x80 + i,)) * 160, 0, 160)
    out = bytearray(160)
    got = []
    for _ in range(limits.JITTER_SLOTS):
        assert b.get(pcm)
        g711.encode(0, pcm, 160, out, 0)
        got.append(out[0] - 0x80)
    assert got == list(range(30 - limits.JITTER_SLOTS, 30))


def test_another_beginning():
    line = Line()
    line.delay = 0
    line.run(30)
    line.buffer.restart()
    line.step()
    assert line.buffer.delay_ms == 20 * limits.JITTER_START + 20
