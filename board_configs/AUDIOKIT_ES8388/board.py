# usip on an AI-Thinker AudioKit (ESP32-A1S with ES8388): half duplex. Revisions differ in their
# pins; some have I2C at 18 and 23, or 25 and 27 the other way about
# MIT licence; Copyright (c) 2026 the usip authors
#
# Pins are data: change them here, then `make wiring`. Nothing but numbers and texts in BOARD: the
# tools read it without running it.

BOARD = {
    "name": "AI-Thinker AudioKit ESP32-A1S",
    "port": "esp32",
    "chip": "ESP32",
    "arch": "xtensawin",
    "firmware": "ESP32_GENERIC",
    "variant": "SPIRAM",
    "hostname": "kit",
    "tried": "only on fakes of machine, network and sockets; no board was at hand",
    "mhz": 240,
    "codec": {
        "parts": ["ES8388"],
        "id": 0,
        "scl": 32,
        "sda": 33,
        "mclk": 0,
        "rate": 16000,
        "inside": True,
    },
    "microphone": {
        "part": "ES8388",
        "id": 0,
        "sck": 27,
        "ws": 25,
        "sd": 35,
        "rate": 16000,
        "bits": 16,
        "louder": 0,
        "inside": True,
    },
    "amplifier": {
        "part": "ES8388",
        "id": 0,
        "sck": 27,
        "ws": 25,
        "sd": 26,
        "rate": 16000,
        "enable": 21,
        "inside": True,
    },
    "button": {"part": "push button", "pin": 36, "pull": 0, "inside": True},
    "opener": {"part": "relay module", "pin": 23, "on": 1, "timer": 0, "most_ms": 5000},
    "lamp": {"part": "LED", "pin": 22, "on": 0, "inside": True},
}

from usip_esp32 import build  # noqa: E402

# board.net, board.audio, board.button, board.opener, board.ringer, board.lamp, board.wifi
globals().update(build(BOARD))
