# usip: audio codecs that are set up over I2C
# MIT licence; Copyright (c) 2026 the usip authors
#
# Values are from the data sheets: 16 bits, I2S, the board's controller gives the clocks, MCLK is
# 256 times the rate. None of them was tried on a chip. Stock firmware gives no MCLK on an ESP32: a
# PWM does, on the pin that the board has for it.

_TRIES = 3  # a write that is not acknowledged is sent again


class Codec:
    """A codec at `address` of `i2c`. `rows` and the like are register, value, register, value."""

    def __init__(self, i2c, address):
        self.i2c = i2c
        self.address = address
        self._one = bytearray(1)

    def write(self, register, value):
        self._one[0] = value
        self._send(register, self._one)

    def _send(self, register, data):
        for n in range(_TRIES):
            try:
                self.i2c.writeto_mem(self.address, register, data)
                return
            except OSError:
                if n == _TRIES - 1:
                    raise

    def write_all(self, rows):
        for i in range(0, len(rows), 2):
            self.write(rows[i], rows[i + 1])


def make(part, i2c, address=None):
    """The codec that is called `part`."""
    if part == "ES8388":
        from .es8388 import ES8388 as kind
    elif part == "ES8311":
        from .es8311 import ES8311 as kind
    elif part == "ES7210":
        from .es7210 import ES7210 as kind
    elif part == "WM8960":
        from .wm8960 import WM8960 as kind
    else:
        raise ValueError("no codec " + part)
    return kind(i2c, address or kind.ADDRESS)


class CodecAudio:
    """Sound behind codecs. `row` is a board's "codec": parts, the pins of I2C and MCLK.

    They are set up with the first call and not before: at boot the amplifier behind them may not
    be powered yet. OSError when one does not answer; the call goes on without sound."""

    def __init__(self, audio, row):
        self.audio = audio
        self._row = row
        self._mclk = None
        self.codecs = None
        self.readinto = audio.readinto
        self.write = audio.write

    def start(self):
        if self.codecs is None:
            self._set_up()
        self.audio.start()
        for c in self.codecs:
            c.mute(False)

    def stop(self):
        for c in self.codecs or ():
            try:
                c.mute(True)
            except OSError:
                pass  # what counts is that the clocks stop
        self.audio.stop()

    def _set_up(self):
        from machine import I2C, PWM, Pin

        row = self._row
        if row.get("mclk") is not None and not self._mclk:
            # Registers of a codec without a clock do not answer.
            self._mclk = PWM(Pin(row["mclk"]), freq=256 * row["rate"], duty_u16=32768)
        i2c = I2C(row["id"], scl=Pin(row["scl"]), sda=Pin(row["sda"]), freq=100_000)
        codecs = [make(part, i2c) for part in row["parts"]]
        for c in codecs:
            c.set_up()
        self.codecs = codecs
