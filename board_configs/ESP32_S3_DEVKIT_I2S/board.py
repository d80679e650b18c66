# usip on an ESP32-S3 DevKit with INMP441 and MAX98357A
# MIT licence; Copyright (c) 2026 the usip authors
#
# Pins are data: change them here, then `make wiring`. Nothing but numbers and texts in BOARD: the
# tools read it without running it.

BOARD = {
    "name": "ESP32-S3 DevKit, INMP441, MAX98357A",
    "port": "esp32",
    "chip": "ESP32-S3",
    "arch": "xtensawin",
    "firmware": "ESP32_GENERIC_S3",
    "variant": "SPIRAM_OCT",
    "hostname": "door",
    "tried": "only on fakes of machine, network and sockets; no board was at hand",
    "mhz": 240,
    "microphone": {
        "part": "INMP441",
        "id": 0,
        "sck": 4,
        "ws": 5,
        "sd": 6,
        "rate": 16000,
        "bits": 32,
        "louder": 3,
    },
    "amplifier": {
        "part": "MAX98357A",
        "id": 1,
        "sck": 15,
        "ws": 16,
        "sd": 17,
        "rate": 16000,
        "enable": 18,
    },
    "button": {"part": "push button", "pin": 7},
    "opener": {"part": "relay module", "pin": 10, "on": 1, "timer": 0, "most_ms": 5000},
    "ringer": {"part": "passive buzzer", "pin": 21},
    "lamp": {"part": "LED", "pin": 9, "on": 1},
}

from usip_esp32 import build  # noqa: E402

# board.net, board.audio, board.button, board.opener, board.ringer, board.lamp, board.wifi
globals().update(build(BOARD))
