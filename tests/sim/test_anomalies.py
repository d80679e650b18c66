# usip: what PROTOS c07 does to messages, done to a registered phone: after each it is as before
# MIT licence; Copyright (c) 2026 the usip authors
#
# Here one of two hundred, of a thousand on a board; thousands of them: tests/host/test_hostile.py

import hostile
from usip import limits

HEAPS = 2  # what makes the anomalies


def test_some_of_each():
    if limits.NAMES_KEPT:
        assert hostile.run(211) > 150
    else:
        assert hostile.run(997) > 25
