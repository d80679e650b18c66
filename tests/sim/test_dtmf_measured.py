# usip: how well digits are heard in the sound: levels, twist, noise, speech, lengths; what is heard
# that is none

from dtmfline import Line, amplitude
from usip.media.inband import DIGITS
from voice import Voice

ALL = range(16)


def heard(line, k, ms, pause=60, **how):
    """Whether digit `k` was heard, and how many others."""
    before = len(line.heard)
    line.digit(k, ms, **how)
    line.tone(0, 0, pause)
    got = line.heard[before:]
    there = DIGITS[k : k + 1] in got
    return there, len(got) - there


def rate(line, lengths, rounds=1, **how):
    """{ms: of 16 times `rounds` so many}, and how many false ones."""
    found = {}
    false = 0
    for ms in lengths:
        hits = 0
        for i in range(rounds):
            for k in ALL:
                hit, more = heard(line, k, ms, 60 + 7 * i, **how)
                hits += hit
                false += more
        found[ms] = hits
    return found, false


def test_levels():
    # What both tones have together, in dBm0: 0 is as loud as it gets, -30 still has to be heard.
    for level in (0, -6, -12, -18, -24, -30):
        found = rate(Line(31), (40,), row=level - 3, column=level - 3)
        assert found == ({40: 16}, 0), (level, found)


def test_twist():
    # Q.24: the column may be 4 dB louder, the row 8 dB.
    for row, column in ((-6, -14), (-6, -10), (-10, -6), (-24, -16 - 4)):
        found = rate(Line(57), (50,), row=row, column=column)
        assert found == ({50: 16}, 0), (row, column, found)


def test_white_noise_10_db_below():
    a = int(amplitude(-10))
    found, false = rate(Line(5, a * 316 // 1000), (40, 60, 100), column=-10)
    print("white noise, 10 dB: %s of 16, %d false" % (found, false))
    assert false == 0 and min(found.values()) == 16, found


def test_speech_below():
    a = int(amplitude(-10))
    for db, share in ((15, 178), (10, 316)):
        line = Line(5, 0, a * share // 1000, 3)
        found, false = rate(line, (60, 100, 160), column=-10)
        print("speech, %d dB: %s of 16, %d false" % (db, found, false))
        # A loud syllable is 10 dB above the mean: as loud as the digit.
        assert false == 0 and min(found.values()) >= (16 if db == 15 else 15), (db, found)


def test_long_ones_are_one():
    line = Line(9)
    line.digit(6, 2000)
    line.tone(0, 0, 50)
    line.digit(6, 600)
    line.tone(0, 0, 50)
    line.digit(7, 2000)
    assert line.end() == b"66B"


def test_in_the_middle_of_a_word():
    # No pause before it nor after it; four digits in one breath.
    line = Line(3)
    v = Voice(4, 9000, 55)
    pcm = bytearray(320)

    def talk(frames):
        for _ in range(frames):
            v.frame(pcm)
            for i in range(0, 320, 2):
                line._put(((pcm[i] | pcm[i + 1] << 8) ^ 0x8000) - 0x8000)

    for k in (0, 5, 5, 13):
        talk(17)
        line.digit(k, 60)
    talk(17)
    assert line.end() == b"1550"


def test_nothing_where_there_is_nothing():
    found = 0
    frames = 0
    for seed, noise in ((1, 0), (2, 300), (3, 3000)):
        line = Line(0, noise, 4000, seed)
        line.tone(0, 0, 6000)
        found += len(line.heard)
        frames += 300
    # Tones that telephones know: dial, busy, ringback, fax, modem
    line = Line()
    for low, high in ((425, 0), (350, 440), (440, 480), (480, 620), (1100, 0), (2100, 0)):
        line.tone(low, high or 1, 300, row=-9, column=-9 if high else -90)
        line.tone(0, 0, 60)
    assert found == 0 and line.end() == b""
