# Does one piece of work N times. USAGE: count.py WHAT N MESSAGE...

import sys

import work

f = work.pieces(work.load(sys.argv[3:])).get(sys.argv[1])
if not f:
    import speech
    import wideband

    f = speech.pieces().get(sys.argv[1]) or wideband.pieces().get(sys.argv[1])
if not f:
    import frame

    name, _, part = sys.argv[1].partition(":")  # :1 is what is not counted
    f = frame.pieces()[name][1 if part else 0]
for _ in range(int(sys.argv[2])):
    f()
