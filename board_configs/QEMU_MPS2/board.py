# usip on the board that QEMU emulates: to try installing without any hardware
# MIT licence; Copyright (c) 2026 the usip authors
#
# Pins are data: change them here, then `make wiring`. Nothing but numbers and texts in BOARD: the
# tools read it without running it.

BOARD = {
    "name": "QEMU MPS2, Cortex-M3",
    "port": "qemu",
    "chip": "QEMU",
    "arch": "armv7m",
    "firmware": "USIP_MPS2",
    "hostname": "qemu",
    "tried": "with QEMU, by tests/host/test_install.py",
}

from usip_host.gpio import SimButton, SimRelay  # noqa: E402
from usip_qemu import net  # noqa: E402, F401

button = SimButton("bell")
opener = SimRelay("door", lambda relay, value: print("relay", relay.name, value))
audio = ringer = lamp = wifi = None
