"""Thousands more of the bad days of tests/sim/test_seeds.py; tools/seeds.py runs any number."""

import pytest

import seeds

SLOW = True

EACH = 500


@pytest.mark.parametrize("first", range(1000, 4000, EACH))
def test_seeds(first):
    results, _ = seeds.block(range(first, first + EACH))
    failed = [(seed, why) for seed, _, why in results if why]
    assert not failed, "tools/seeds.py --seed %d: %s" % failed[0]
    assert sum([what == "talked" for _, what, _ in results]) > EACH // 4


@pytest.mark.parametrize("first", (0, 40))
def test_whole_phones(first):
    results, _ = seeds.phones(range(first, first + 40))
    failed = [(seed, why) for seed, _, why in results if why]
    assert not failed, "phonestorm.run(%d): %s" % failed[0]
    assert sum([what == "talked" for _, what, _ in results]) > 10


def test_one_again(capsys):
    """The same number is the same day, and draws it."""
    told = []
    for _ in range(2):
        assert seeds.main(["--seed", "7"]) == 0
        told.append(capsys.readouterr().out)
    assert told[0] == told[1]
    assert "REGISTER" in told[0] and "INVITE" in told[0]
