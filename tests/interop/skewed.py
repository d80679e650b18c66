# usip: the command-line phone on CPython, with a crystal that is off: the first argument says by
# how many ppm its sound is too fast.
# MIT licence; Copyright (c) 2026 the usip authors

import sys
import time

import phone
from usip import pump

PPM = int(sys.argv.pop(1))
START = time.monotonic()


def now():
    t = START + (time.monotonic() - START) * (1 + PPM / 1e6)
    return int(t * 1000) & 0x3FFFFFFF


pump.now = now
sys.exit(phone.start(sys.argv[1:]))
