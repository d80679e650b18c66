# usip: WM8960, both ways
# MIT licence; Copyright (c) 2026 the usip authors

from . import Codec

# Registers of 9 bits: (register, value).
_SET_UP = (
    (15, 0x000),  # reset
    (25, 0x0EA),  # references, left input, left ADC, microphone's supply
    (26, 0x1F8),  # DACs, headphones, loudspeakers
    (47, 0x02C),  # left microphone amplifier, mixers
    (4, 0x000),
    (7, 0x002),  # MCLK is 256 times the rate; I2S, 16 bits, clocks from outside
    (5, 0x008),  # muted
    (34, 0x100),
    (37, 0x100),  # each DAC to its mixer
    (32, 0x128),
    (0, 0x117),  # left microphone, 20 dB, then 0 dB
    (10, 0x1FF),
    (11, 0x1FF),
    (21, 0x1C3),  # DACs and ADC at 0 dB
    (2, 0x179),
    (3, 0x179),
    (40, 0x179),
    (41, 0x179),  # outputs at 0 dB
    (49, 0x0F7),  # loudspeaker's amplifier
)


class WM8960(Codec):
    ADDRESS = 0x1A

    def write(self, register, value):
        # Seven bits of register, then nine of value.
        self._one[0] = value & 0xFF
        self._send(register << 1 | value >> 8, self._one)

    def set_up(self):
        for register, value in _SET_UP:
            self.write(register, value)

    def mute(self, on):
        self.write(5, 0x008 if on else 0x000)
