"""Model checking of a call as far as there is time; tools/interleavings.py goes further."""

import pytest

import crossings

SLOW = True


@pytest.mark.parametrize("name", crossings.SCENARIOS)
def test_directly(name):
    s = crossings.Search(name, False, 6, 1)
    print("%s: %d states, %d interleavings" % (name, s.states, s.ways))
    assert s.ways > 10


@pytest.mark.parametrize("name", ("callee hangs up", "cancelled or answered", "both hold"))
def test_by_a_proxy(name):
    s = crossings.Search(name, True, 6, 1)
    print("%s: %d states, %d interleavings" % (name, s.states, s.ways))
    assert s.ways > 10


def test_what_is_wrong_is_found(monkeypatch):
    """An endpoint that answers a request that came again as if it was new."""
    from usip.agent import Agent

    monkeypatch.setattr(Agent, "_find", lambda self, m, method: None)
    with pytest.raises(crossings.Wrong) as e:
        crossings.Search("refused", False, 6, 1)
    assert crossings.replay("refused", False, 6, 1, e.value.path)
