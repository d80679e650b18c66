# usip: ES8388, both ways (AI-Thinker AudioKit, ESP32-LyraT)
# MIT licence; Copyright (c) 2026 the usip authors

from . import Codec

_SET_UP = (
    b"\x19\x04"  # DAC muted
    b"\x01\x50\x02\x00"  # references and chip powered
    b"\x35\xa0\x37\xd0\x39\xd0"  # for low rates
    b"\x08\x00"  # the other side gives the clocks
    b"\x04\xc0"  # outputs off meanwhile
    b"\x00\x12"  # play and record
    b"\x17\x18\x18\x02"  # DAC: I2S, 16 bits, 256 clocks
    b"\x26\x00\x27\x90\x2a\x90"  # each DAC to its own mixer
    b"\x2b\x80\x2d\x00"  # one LRCK for both
    b"\x1a\x00\x1b\x00"  # DAC at 0 dB
    b"\x2e\x1e\x2f\x1e\x30\x1e\x31\x1e"  # outputs at 0 dB
    b"\x03\xff"  # ADC off meanwhile
    b"\x09\xbb"  # microphones 24 dB up
    b"\x0a\x00\x0b\x02"  # first inputs, stereo
    b"\x0c\x0c\x0d\x02"  # ADC: I2S, 16 bits, 256 clocks
    b"\x10\x00\x11\x00"  # ADC at 0 dB
    b"\x02\xf0\x02\x00"  # its state machine begins anew
    b"\x04\x3c\x03\x00"  # all outputs, ADC with the microphones' supply
)


class ES8388(Codec):
    ADDRESS = 0x10

    def set_up(self):
        self.write_all(_SET_UP)

    def mute(self, on):
        self.write(0x19, 0x04 if on else 0x00)
