# What minirun.py is tested with; not collected by pytest, whose test files are called test_*.py.
from skip import Skip


def test_good():
    pass


def test_bad():
    assert 1 == 2


def test_skipped():
    raise Skip("not here")
