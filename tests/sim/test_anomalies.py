# usip: what PROTOS c07 does to messages, done to a registered phone: after each it is as before
# MIT licence; Copyright (c) 2026 the usip authors
#
# Here one of two hundred; thousands of them: tests/host/test_hostile.py

import hostile

HEAPS = 2  # what makes the anomalies


def test_some_of_each():
    assert hostile.run(211) > 150
