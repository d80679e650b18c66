# usip: ES8311, a loudspeaker's half (ESP32-S3-BOX-3, Korvo-2); its microphone is not used there
# MIT licence; Copyright (c) 2026 the usip authors

from . import Codec

_SET_UP = (
    b"\x44\x08\x44\x08"  # I2C filter; the first one may get lost
    b"\x01\x30\x02\x00\x03\x10\x16\x24\x04\x10\x05\x00"
    b"\x0b\x00\x0c\x00\x10\x1f\x11\x7f"
    b"\x00\x80"  # on, the other side gives the clocks
    b"\x01\x3f"  # from MCLK
    b"\x06\x03\x07\x00\x08\xff"  # dividers for 256 clocks
    b"\x13\x10\x1b\x0a\x1c\x6a"
    b"\x09\x0c\x0a\x0c"  # I2S, 16 bits
    b"\x17\xbf\x0e\x02\x12\x00\x14\x1a\x0d\x01\x15\x40"
    b"\x37\x08\x45\x00"
    b"\x31\x60\x32\xbf"  # muted; 0 dB
)


class ES8311(Codec):
    ADDRESS = 0x18

    def set_up(self):
        self.write_all(_SET_UP)

    def mute(self, on):
        self.write(0x31, 0x60 if on else 0x00)
