"""A thousand devices whose registrar dies and returns; `make fleet` takes ten thousand."""

import fleet

SLOW = True


def test_a_thousand():
    # A registrar that does a hundred requests a second: all of them at once are too many for it.
    n = 0
    for name, s in fleet.tell(n=1000, capacity=100):
        assert s.asking >= (1000 if "hour" in name or "power" in name else 100), name
        assert not s.fleet.asking() and s.back_s <= 60, (name, s.back_s)
        assert s.worst < 2, (name, s.worst)
        n += 1
    assert n == 4
