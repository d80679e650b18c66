# usip on an ESP32-C3: button, relay and a buzzer, no sound
# MIT licence; Copyright (c) 2026 the usip authors
#
# Pins are data: change them here, then `make wiring`. Nothing but numbers and texts in BOARD: the
# tools read it without running it.

BOARD = {
    "name": "ESP32-C3, ring only",
    "port": "esp32",
    "chip": "ESP32-C3",
    "arch": "rv32imc",
    "firmware": "ESP32_GENERIC_C3",
    "hostname": "bell",
    "tried": "only on fakes of machine, network and sockets; no board was at hand",
    "mhz": 160,
    "button": {"part": "bell wire", "pin": 4, "wire": True},
    "opener": {"part": "relay module", "pin": 6, "on": 1, "timer": 0, "most_ms": 5000},
    "ringer": {"part": "passive buzzer", "pin": 5},
    "lamp": {"part": "LED", "pin": 7, "on": 1},
}

from usip_esp32 import build  # noqa: E402

# board.net, board.audio, board.button, board.opener, board.ringer, board.lamp, board.wifi
globals().update(build(BOARD))
