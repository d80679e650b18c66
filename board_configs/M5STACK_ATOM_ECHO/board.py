# usip on an M5Stack Atom Echo: it rings and can be talked to, its microphone (PDM) is not
# read by stock MicroPython
# MIT licence; Copyright (c) 2026 the usip authors
#
# Pins are data: change them here, then `make wiring`. Nothing but numbers and texts in BOARD: the
# tools read it without running it.

BOARD = {
    "name": "M5Stack Atom Echo",
    "port": "esp32",
    "chip": "ESP32",
    "arch": "xtensawin",
    "firmware": "ESP32_GENERIC",
    "hostname": "echo",
    "tried": "only on fakes of machine, network and sockets; no board was at hand",
    "mhz": 240,
    "amplifier": {
        "part": "NS4168",
        "id": 0,
        "sck": 19,
        "ws": 33,
        "sd": 22,
        "rate": 16000,
        "inside": True,
    },
    "button": {"part": "push button", "pin": 39, "pull": 0, "inside": True},
    "opener": {"part": "relay module", "pin": 26, "on": 1, "timer": 0, "most_ms": 5000},
}

from usip_esp32 import build  # noqa: E402

# board.net, board.audio, board.button, board.opener, board.ringer, board.lamp, board.wifi
globals().update(build(BOARD))
