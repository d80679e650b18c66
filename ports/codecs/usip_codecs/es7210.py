# usip: ES7210, four microphones of which the first two are used (ESP32-S3-BOX-3, Korvo-2)
# MIT licence; Copyright (c) 2026 the usip authors

from . import Codec

_SET_UP = (
    b"\x00\xff\x00\x32"  # reset
    b"\x09\x30\x0a\x30"  # time to start
    b"\x23\x2a\x22\x0a\x21\x2a\x20\x0a"  # high pass
    b"\x11\x60\x12\x00"  # I2S, 16 bits, no TDM
    b"\x40\xc3\x41\x70\x42\x70"  # analogue supply, bias 2.87 V
    b"\x43\x1a\x44\x1a\x45\x1a\x46\x1a"  # 30 dB
    b"\x47\x08\x48\x08\x49\x08\x4a\x08"
    b"\x07\x20\x02\xc1\x04\x01\x05\x00"  # 256 clocks
    b"\x06\x04"
    b"\x4b\x0f\x4c\xff"  # the first pair powered, the other not
    b"\x00\x71\x00\x41"
)


class ES7210(Codec):
    ADDRESS = 0x40

    def set_up(self):
        self.write_all(_SET_UP)

    def mute(self, on):
        # Both halves of the two ADC pairs.
        self.write(0x14, 0x03 if on else 0x00)
        self.write(0x15, 0x03 if on else 0x00)
