# usip on a Raspberry Pi Pico W with INMP441 and MAX98357A; MicroPython 1.26 or newer
# MIT licence; Copyright (c) 2026 the usip authors
#
# Pins are data: change them here, then `make wiring`. Nothing but numbers and texts in BOARD: the
# tools read it without running it.

BOARD = {
    "name": "Pico W, INMP441, MAX98357A",
    "port": "rp2",
    "chip": "RP2040",
    "arch": "armv6m",
    "firmware": "RPI_PICO_W",
    "hostname": "door",
    "tried": "only on fakes of machine, network and sockets; no board was at hand",
    "microphone": {
        "part": "INMP441",
        "id": 0,
        "sck": 10,
        "ws": 11,
        "sd": 12,
        "rate": 16000,
        "bits": 32,
        "louder": 3,
    },
    "amplifier": {
        "part": "MAX98357A",
        "id": 1,
        "sck": 16,
        "ws": 17,
        "sd": 18,
        "rate": 16000,
        "enable": 19,
    },
    "button": {"part": "push button", "pin": 14},
    "opener": {"part": "relay module", "pin": 15, "on": 1, "timer": -1, "most_ms": 5000},
    "ringer": {"part": "passive buzzer", "pin": 22},
    "lamp": {"part": "LED", "pin": 13, "on": 1},
}

from usip_rp2 import build  # noqa: E402

# board.net, board.audio, board.button, board.opener, board.ringer, board.lamp, board.wifi
globals().update(build(BOARD))
