"""What usip costs: prints a table and writes build/bench.json.

    python3 tools/bench [SECTION...]

SECTION  sizes   .mpy bytes, heap kept by import
         heap    the smallest heap that registers, holds a call, runs the doorbell (some minutes)
         alloc   bytes allocated per message and per RTP packet
         icount  instructions on the emulated boards (Cortex-M3, RV32), exact
         count   instructions on unix32, under callgrind
         speed   CPython: ratios to a naive parser and to other libraries
         uas     CPython: calls per second against SIPp (some minutes)
         idle    wake-ups of a registered phone
Without a name: all. What cannot be measured on this machine is passed over with a word.
"""

import importlib
import sys

import table

SECTIONS = ("sizes", "heap", "alloc", "icount", "count", "speed", "uas", "idle")


def main(names):
    if any(n not in SECTIONS for n in names):
        print(__doc__, file=sys.stderr)
        return 2
    out = table.Table()
    failed = False
    for name in names or SECTIONS:
        try:
            importlib.import_module(name).measure(out)
        except table.Missing as e:
            out.skip(name, str(e))
        except Exception as e:  # one section that breaks must not cost the others
            failed = True
            out.skip(name, f"{type(e).__name__}: {e}")
        out.write()
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
