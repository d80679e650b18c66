# usip: every board's board.py on the fakes: what it builds works with its own pins
# MIT licence; Copyright (c) 2026 the usip authors

import os
import sys

import fakemachine
import fakenetwork
from fakemachine import I2C, I2S, Pin, Timer, step
from passing import fresh, patch
from usip import limits

fakemachine.install()
fakenetwork.install()


class _Net:
    def __init__(self):
        self.host = None


def _root():
    # As pytest and tools/run are started: in the project's folder. On CPython from anywhere.
    if sys.implementation.name == "cpython":
        return os.path.dirname(os.path.abspath(__file__)) + "/../.."
    return "."


def boards():
    return [x for x in sorted(os.listdir(_root() + "/board_configs")) if x != "QEMU_MPS2"]


def load(name):
    """What `import board` gives there."""
    try:
        from asyncio.core import _io_queue  # noqa: F401
    except ImportError:
        # The ports' sockets want MicroPython's event loop; pins and sound do not.
        me = sys.modules[__name__]
        me.Net = _Net
        sys.modules["usip_micropython.net"] = me
    from usip_micropython import gpio, wifi

    patch(gpio, wifi)
    fresh("input-only")
    fakemachine.controllers = 1 if "C3" in name else 2
    found = {}
    with open("%s/board_configs/%s/board.py" % (_root(), name)) as f:
        kept = limits.CALLS
        exec(f.read(), found)
        found["CALLS"] = limits.CALLS
        limits.CALLS = kept
    return found


def test_every_board():
    assert len(boards()) >= 6
    for name in boards():
        b = load(name)
        pins = b["BOARD"]
        assert b["opener"].value == 0, name
        assert fakemachine.pins[pins["opener"]["pin"]].history == [(1000, 0)], name
        # The relay, with its timer behind it.
        b["opener"].on()
        assert b["opener"].value == 1 and len(Timer.running) == 1
        step(5001)
        assert b["opener"].value == 0 and b["opener"].cut == 1, name
        # The button.
        p = fakemachine.pins[pins["button"]["pin"]]
        wire = pins["button"].get("wire")
        p.drive(1)
        step(100)
        for _ in range(10):
            p.drive(0)
            step(10 if wire else 100)
            p.drive(1)
            step(10 if wire else 100)
        assert b["button"].count == (1 if wire else 10), (name, b["button"].count)
        w = b["wifi"]("home", "key")
        assert w.ssid == "home" and w.net is b["net"]
        sound(name, b, pins)


def test_an_rp2_has_sockets_for_one_call():
    # lwIP's: of four one is DHCP's, one is for signalling.
    assert load("RPI_PICO_W_I2S")["CALLS"] == 1
    assert load("ESP32_DEVKIT_I2S")["CALLS"] == limits.CALLS > 1


def sound(name, b, pins):
    audio = b["audio"]
    if not pins.get("microphone") and not pins.get("amplifier"):
        assert audio is None
        return
    I2C.devices[0x10] = {}
    I2S.keep = 80000
    pcm = bytearray(320)
    audio.start()
    heard = 0
    amplifier = None
    for i in range(60):
        audio.readinto(pcm)
        heard += pcm != bytes(320)
        # The house speaks for a second, then is silent.
        for j in range(0, 320, 2):
            pcm[j + 1] = 16 if i < 20 and j & 8 else 0
        audio.write(pcm)
        for i2s in I2S.live.values():
            if i2s.mode == I2S.TX:
                amplifier = i2s
        step(20)
    live = sorted([(x.sck.id, x.ws.id) for x in I2S.live.values()])
    assert (heard > 20) == ("microphone" in pins), (name, heard)
    assert sum([x != 0 for x in amplifier.heard]) > 1000, name
    row = pins["amplifier"]
    assert (row["sck"], row["ws"]) in live
    if "enable" in row and len(live) == 2:
        assert Pin(row["enable"])() == 1
    audio.stop()
    assert not I2S.live, name
    if "enable" in row:
        assert Pin(row["enable"])() == 0


def codec(part, address):
    from usip_codecs import make

    fresh()
    I2C.devices[address] = {}
    i2c = I2C()
    c = make(part, i2c)
    return c, i2c, I2C.devices[address]


# What each has to know after its set-up: the format, and that it is a slave.
CODECS = {
    "ES8388": (0x10, {0x08: 0, 0x17: 0x18, 0x0C: 0x0C, 0x18: 2, 0x0D: 2, 0x02: 0}, 0x19, 4, 0),
    "ES8311": (0x18, {0x00: 0x80, 0x09: 0x0C, 0x0A: 0x0C, 0x01: 0x3F}, 0x31, 0x60, 0),
    "ES7210": (0x40, {0x00: 0x41, 0x11: 0x60, 0x12: 0, 0x02: 0xC1}, 0x14, 3, 0),
    # seven bits of register and the ninth of the value: 7 << 1, value 2
    "WM8960": (0x1A, {7 << 1: 2, 26 << 1 | 1: 0xF8, 25 << 1: 0xEA, 4 << 1: 0}, 5 << 1, 8, 0),
}


def test_codecs():
    for part, (address, wanted, mute, on, off) in CODECS.items():
        c, i2c, registers = codec(part, address)
        c.set_up()
        for register, value in wanted.items():
            assert registers[register] == bytes((value,)), (part, register, registers[register])
        n = len(i2c.log)
        assert n > 12
        c.mute(True)
        assert registers[mute] == bytes((on,)), part
        c.mute(False)
        assert registers[mute] == bytes((off,)), part
        # The same with a bus on which something gets lost now and then.
        c, i2c, again = codec(part, address)
        fakemachine.faults.add("i2c-nack")
        c.set_up()
        assert len(i2c.log) > n and {k: again[k] for k in wanted} == {
            k: bytes((v,)) for k, v in wanted.items()
        }


def test_a_codec_that_is_not_there():
    b = load("AUDIOKIT_ES8388")
    for _ in range(2):
        try:
            b["audio"].start()
            raise AssertionError
        except OSError:
            pass
        b["audio"].stop()
    assert not I2S.live
    I2C.devices[0x10] = {}  # its supply is on now
    b["audio"].start()
    assert b["audio"].codecs and I2S.live
    b["audio"].stop()


def test_unknown_codec():
    try:
        codec("XY1", 3)
        raise AssertionError
    except ValueError:
        pass
