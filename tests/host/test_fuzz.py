"""Fuzzing in short: the seeds on any Python, and some seconds of atheris with them."""

import os
import sys

import pytest
import shared

sys.path.append(os.path.join(shared.TESTS, "fuzz"))

import targets  # noqa: E402

import fuzz  # noqa: E402  (found on the path made above)
from usip import rand  # noqa: E402

SLOW = True
# So many inputs, about two seconds, and always the same ones: a test must not fail by chance. What
# chance finds `make fuzz` looks for.
RUNS = {"agent": 100, "rtp": 150, "framer": 300, "uri": 4000, "rtcp": 4000, "events": 4000}
MOST = 1500


@pytest.fixture
def chance(monkeypatch):
    monkeypatch.setattr(rand, "urandom", rand.urandom)  # a target has its own


@pytest.mark.parametrize("target", targets.TARGETS)
def test_seeds(chance, target):
    """What was new to the fuzzer once, or found something: all properties hold for it."""
    found = fuzz.seeds(target)
    assert len(found) > 1 and len(found) == len(set(found))
    for data in found:
        targets.TARGETS[target](data)


def _atheris():
    try:
        import atheris  # noqa: F401
    except ImportError:
        if os.environ.get("CI"):
            pytest.fail("atheris is missing", pytrace=False)
        pytest.skip("there is no atheris for this Python")


@pytest.mark.parametrize("target", targets.TARGETS)
def test_fuzz(tmp_path, target):
    _atheris()
    runs = RUNS.get(target, MOST)
    inputs, _, why = fuzz.fuzz(target, 60, 1, tmp_path, runs)
    assert not why, why
    assert inputs >= runs


def test_a_fault_is_found(tmp_path):
    _atheris()
    _, _, why = fuzz.fuzz("broken", 60, where=tmp_path)
    assert why and "AssertionError: found" in why and "crash-" in why
