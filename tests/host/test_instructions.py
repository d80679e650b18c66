"""What a message and a frame of sound cost on boards stays within tests/host/instructions.json."""

import os
import sys
from pathlib import Path

import pytest

import runner

sys.path.append(str(Path(runner.ROOT) / "tools" / "bench"))

import budget  # noqa: E402  (found on the path made above)
import icount  # noqa: E402

SLOW = True


@pytest.mark.timeout(300)  # the first one builds the firmware
@pytest.mark.parametrize("board", list(icount.BOARDS))
def test_within_budget(board):
    try:
        toolchain, found = icount.count(board)
    except runner.RunError as error:
        if os.environ.get("CI") or "mpy-cross:" in str(error):
            pytest.fail(str(error), pytrace=False)
        pytest.skip(str(error))
    for name, value in found.items():
        print(f"{name} {value:,}")
    wrong = budget.judge(board, toolchain, found, budget.load())
    assert not wrong, "\n".join(wrong)


def test_every_figure_has_a_reason():
    figures = budget.load()["figures"]
    assert len(figures) == len(icount.BOARDS) * len(icount.HOW)
    assert all(f["value"] > 0 and f["why"].strip() for f in figures.values())


KEPT = {
    "toolchains": {"m3": "gcc 12"},
    "figures": {
        "m3_parse_instructions": {"value": 100_000, "why": "first"},
        "m3_naive_parse_instructions": {"value": 50_000, "why": "first"},
        "rv32_parse_instructions": {"value": 1, "why": "first"},
    },
}


def figures(parse, naive=50_000):
    return {"m3_parse_instructions": parse, "m3_naive_parse_instructions": naive}


@pytest.mark.parametrize(
    "parse, told",
    [
        (100_900, ""),
        (101_100, 'parse_instructions: 101,100, .*(+1.1%): .*say why: make budget WHY="..."'),
        (95_100, ""),
        (94_900, "parse_instructions: 94,900, .*(-5.1%): .*make budget"),
    ],
)
def test_judge(parse, told):
    wrong = budget.judge("m3", "gcc 12", figures(parse), KEPT)
    assert len(wrong) == bool(told)
    for part in told.split(".*"):
        assert part in "".join(wrong)


def test_judge_another_compiler():
    # Everything costs a tenth more there: that alone is no growth, a fifth more is.
    assert not budget.judge("m3", "gcc 14", figures(110_000, 55_000), KEPT)
    assert budget.judge("m3", "gcc 14", figures(122_000, 55_000), KEPT)


def test_judge_another_set_of_figures():
    found = {**figures(100_000), "m3_rtp_instructions": 5}
    (text,) = budget.judge("m3", "gcc 12", found, KEPT)
    assert text.startswith("m3_rtp_instructions is measured alone")
    (text,) = budget.judge("m3", "gcc 12", {"m3_parse_instructions": 100_000}, KEPT)
    assert text.startswith("m3_naive_parse_instructions is in tests/host/instructions.json alone")


def test_renewed():
    def new(parse, why=""):
        return budget.renewed({"m3": ("gcc 12", figures(parse))}, KEPT, why)["figures"]

    with pytest.raises(budget.Missing, match="say why"):
        new(101_100)
    assert new(101_100, "two more checks")["m3_parse_instructions"] == {
        "value": 101_100,
        "why": "two more checks",
    }
    # What stays within its bounds takes the new value and keeps its reason.
    assert new(100_500, "two more checks")["m3_parse_instructions"]["why"] == "first"
    assert new(80_000)["m3_parse_instructions"] == {"value": 80_000, "why": "fell from 100,000"}
