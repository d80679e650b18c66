"""The boards' ports on CPython's path; on MicroPython tests/host/test_device.py does it."""

import sys
from pathlib import Path

PORTS = Path(__file__).resolve().parent.parent.parent / "ports"
for port in ("micropython", "esp32", "rp2", "codecs"):
    sys.path.append(str(PORTS / port))
