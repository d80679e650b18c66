"""MicroPython's `machine` as ESP32 and RP2 have it, in memory. install() puts it in its place.

Each quirk of the real one is a name in `faults`; a test puts those in that it is about. Time is
`ms()`: real, or by hand after freeze().
"""

import io
import sys

from usip.driver import now as _now
from usip.media.g711 import copy

# blocks-16      an RP2's driver: sound comes 16 frames at a time, not the 256 of an ESP32
# starts-full    an ESP32's driver: what there is to play begins with a ring full of zeros
# short-reads    readinto() and write() move a part of what they could
# octal-psram    poll() never says that there is something (micropython#16029)
# second-write   irq(): a transfer that is asked for while one is under way is not done, nor told
# lost-irq       irq(): every fourth callback finds the scheduler's queue full
# input-only     pins 34 to 39 of an ESP32 are no outputs, and have no pull-ups
# one-timer      there is one timer, and who takes another gets a ValueError
# short-wdt      an RP2's watchdog waits for 8,388 ms at the longest
# lost-timer     every second call of a timer finds the scheduler's queue full
# soft-timers    a timer has no hard interrupt to give
# i2c-nack       every seventh write on I2C is not acknowledged
faults = set()

controllers = 2  # of I2S, as the chip has them
_frozen = None


def ms():
    return _now() if _frozen is None else _frozen


def freeze(at=1000):
    """From now on time passes by step()."""
    global _frozen
    _frozen = at


def step(n=1):  # so many milliseconds: timers go off, transfers end
    global _frozen
    for _ in range(n):
        _frozen += 1
        for t in list(Timer.running):
            t.service()
        for i2s in list(I2S.live.values()):
            i2s.service()


def clear():
    faults.clear()
    pins.clear()
    shorted.clear()
    I2S.live.clear()
    Timer.running.clear()
    Timer.taken = 0
    I2C.devices.clear()
    WDT.live = None


# ------------------------------------------------------------------------------------------- pins

shorted = set()  # numbers of those that something holds at ground
pins = {}  # number -> Pin: the same object for the same number, as on the boards


class Pin:
    IN = 1
    OUT = 3
    OPEN_DRAIN = 7
    PULL_UP = 2
    PULL_DOWN = 1
    IRQ_RISING = 1
    IRQ_FALLING = 2

    def __new__(cls, id, *args, **how):
        if isinstance(id, Pin):
            return id
        if id not in pins:
            p = pins[id] = object.__new__(cls)
            p.id = id
            p.level = 0
            p.mode = None
            p.pull = None
            p.history = []  # (ms, level) of an output
            p.handler = None
        return pins[id]

    def __init__(self, id, mode=None, pull=None, value=None):
        if "input-only" in faults and 34 <= id <= 39 and (mode == Pin.OUT or pull):
            raise ValueError("pin can only be used as input")
        if value is not None:
            self.level = value
        if mode is not None:
            self.mode = mode
            self.pull = pull
            if mode == Pin.OUT:
                self.history.append((ms(), self.level))
            elif pull == Pin.PULL_UP and id not in shorted:
                self.level = 1

    def __call__(self, *value):
        return self.value(*value)

    def value(self, *value):
        if not value:
            return self.level
        assert self.mode in (Pin.OUT, Pin.OPEN_DRAIN), "pin %d is no output" % self.id
        if value[0] != self.level:
            self.level = value[0]
            self.history.append((ms(), self.level))

    def irq(self, handler=None, trigger=3):
        self.handler = handler
        self.trigger = trigger

    def drive(self, level):
        """The world outside pulls it up or down."""
        if level != self.level:
            self.level = level
            edge = Pin.IRQ_RISING if level else Pin.IRQ_FALLING
            if self.handler and self.trigger & edge:
                self.handler(self)


class PWM:
    def __init__(self, pin, freq=0, duty_u16=0):
        self.pin = pin
        self.heard = []  # (ms, hz, duty)
        self._freq = freq
        self._duty = duty_u16

    def freq(self, hz):
        self._freq = hz

    def duty_u16(self, duty):
        self._duty = duty
        self.heard.append((ms(), self._freq, duty))


class Timer:
    ONE_SHOT = 0
    PERIODIC = 1
    running = []
    taken = 0

    def __init__(self, id=-1):
        Timer.taken += 1
        if "one-timer" in faults and Timer.taken > 1:
            raise ValueError("no timer")
        self.due = None
        self.calls = 0

    def init(self, mode=1, period=0, callback=None, hard=False):
        self.deinit()
        if hard and "soft-timers" in faults:
            raise ValueError("hard Timers are not implemented")
        self.hard = hard
        self.mode = mode
        self.period = period
        self.callback = callback
        self.due = ms() + period
        Timer.running.append(self)

    def deinit(self):
        if self in Timer.running:
            Timer.running.remove(self)

    def service(self):
        if ms() >= self.due:
            self.due += self.period
            if self.mode == Timer.ONE_SHOT:
                self.deinit()
            self.calls += 1
            if not ("lost-timer" in faults and self.calls % 2):
                self.callback(self)


class WDT:
    """`fed` counts; `bites` says that nobody fed it in time."""

    live = None

    def __init__(self, id=0, timeout=5000):
        if "short-wdt" in faults and timeout > 8388:
            raise ValueError("timeout exceeds 8388")
        assert WDT.live is None or "short-wdt" not in faults
        WDT.live = self
        self.timeout = timeout
        self.fed = 0
        self.at = ms()

    def feed(self):
        self.fed += 1
        self.at = ms()

    @property
    def bites(self):
        return ms() - self.at > self.timeout


class RTC:
    kept = b"\xff\xfe rubbish, as after power-on"

    def memory(self, *data):
        if not data:
            return RTC.kept
        assert len(data[0]) <= 2048
        RTC.kept = bytes(data[0])


PWRON_RESET, HARD_RESET, WDT_RESET, DEEPSLEEP_RESET, SOFT_RESET = 1, 2, 3, 4, 5
cause = PWRON_RESET
resets = 0


def reset_cause():
    return cause


def reset():
    # Of the machine; what a test begins with is `clear`.
    global resets
    resets += 1


def freq(hz=None):
    assert hz in (None, 160_000_000, 240_000_000)


# -------------------------------------------------------------------------------------------- I2C


class I2C:
    devices = {}  # address -> {register: bytes}; `log` of all writes beside it

    def __init__(self, id=0, scl=None, sda=None, freq=400000):
        self.log = []

    def scan(self):
        return sorted(I2C.devices)

    def writeto_mem(self, address, register, data):
        data = bytes(data)
        self.log.append((address, register, data))
        if address not in I2C.devices or ("i2c-nack" in faults and len(self.log) % 7 == 0):
            raise OSError(19)
        I2C.devices[address][register] = data

    def writeto(self, address, data):
        data = bytes(data)
        self.writeto_mem(address, data[0], data[1:])

    def readfrom_mem(self, address, register, n):
        if address not in I2C.devices:
            raise OSError(19)
        return I2C.devices[address].get(register, bytes(n))


SoftI2C = I2C


# -------------------------------------------------------------------------------------------- I2S

_BLOCKING, _IRQ, _POLLED = range(3)


class I2S(io.IOBase):
    """One direction of one controller. A microphone hears a tone at `level` (of 16 bits); what an
    amplifier was given is `heard`, at least the last half of `keep` bytes of it."""

    RX = 1
    TX = 2
    MONO = 0
    STEREO = 1
    live = {}
    level = 4000
    keep = 0
    made = 0
    ppm = 0  # by which its clock is faster than the processor's

    def __init__(self, id, *, sck, ws, sd, mode, bits, format, rate, ibuf):
        if not 0 <= id < controllers:
            raise ValueError("invalid id")
        if bits not in (16, 32) or mode not in (1, 2) or format not in (0, 1):
            raise ValueError("invalid argument")
        if id in I2S.live:
            I2S.live[id].deinit()
        for other in I2S.live.values():
            assert {other.sck, other.ws}.isdisjoint((sck, ws)), "two controllers drive one clock"
        I2S.live[id] = self
        I2S.made += 1
        self.id, self.sck, self.ws, self.sd = id, sck, ws, sd
        self.mode, self.bits, self.rate = mode, bits, rate
        self.size = bits // 8 * (1 + format)  # of a frame, as the program sees it
        self.block = 16 if "blocks-16" in faults else 256
        inside = 8 if mode == I2S.RX else self.size
        n = ibuf // inside // self.block
        self.room = (n if n > 2 else 2) * self.block  # frames
        self.way = _BLOCKING
        self.began = ms()
        self.at = 0  # frames that were read, or written
        if mode == I2S.TX and "starts-full" in faults:
            self.at = self.room
        self.lost = 0  # frames of the microphone that nobody read in time
        self.gaps = 0  # times that there was nothing to play
        self.calls = 0
        self.heard = bytearray()
        self.callback = None
        self.pending = None
        self.callbacks = 0
        self.shorts = "short-reads" in faults
        self.psram = "octal-psram" in faults
        self.hear(I2S.level)

    def hear(self, level):
        """From now on the tone is so loud."""
        row = bytearray()
        for x in _SINE:
            row.extend(_sample(level * x // 1000, self.bits) * (self.size * 8 // self.bits))
        self.period = len(row)
        # Many of them, so that from any phase it is one copy.
        self.tone = bytes(row) * (2048 // len(row) + 2)

    # --- how it is driven ---

    def ioctl(self, request, flags):
        self.way = _POLLED
        if request != 3:
            return -22
        return 0 if self.psram else flags & 5

    def fileno(self):  # CPython's poll() asks for it
        self.way = _POLLED
        return 0

    def irq(self, handler):
        self.way = _IRQ
        self.callback = handler

    def deinit(self):
        if I2S.live.get(self.id) is self:
            del I2S.live[self.id]

    def _frames(self):
        # What the hardware has moved so far, in whole blocks.
        n = (ms() - self.began & 0x3FFFFFFF) * self.rate // 1000
        n += n * I2S.ppm // 1000000
        return n // self.block * self.block

    def _waiting(self):
        n = self._frames() - self.at
        if n > self.room:
            self.lost += n - self.room
            self.at += n - self.room
            n = self.room
        return n

    def _free(self):
        n = self._frames()
        if n > self.at:
            if self.at:
                self.gaps += 1
            self.at = n
        return self.room - (self.at - n)

    def _part(self, n):
        # One in three moves everything.
        self.calls += 1
        if not self.shorts or self.calls % 3 == 0:
            return n
        return n // 2 if self.calls % 3 == 1 else (7 if n > 7 else n)

    # --- the stream ---

    def readinto(self, buf, n=None):
        assert self.mode == I2S.RX
        n = len(buf) if n is None else n
        if n % self.size:
            raise OSError(22)
        if self.way == _IRQ:
            self._ask(buf, n)
            return n
        have = self._waiting()
        n //= self.size
        if n > have:
            assert self.way == _POLLED, "this would block"
            n = have
        return self._read(buf, self._part(n))

    def _read(self, buf, n):
        size = n * self.size
        copy(self.tone, self.at * self.size % self.period, size, buf, 0)
        self.at += n
        return size

    def write(self, buf, *where):
        assert self.mode == I2S.TX
        at, n = where if len(where) == 2 else (0, where[0] if where else len(buf))
        assert n % self.size == 0, "half a sample"
        if self.way == _IRQ:
            self._ask(bytes(buf[at : at + n]), n)
            return n
        free = self._free()
        n //= self.size
        if n > free:
            assert self.way == _POLLED, "this would block"
            n = free
        return self._write(buf, at, self._part(n))

    def _write(self, buf, at, n):
        n *= self.size
        if self.keep:
            self.heard.extend(buf[at : at + n])
            if len(self.heard) > self.keep:
                self.heard = self.heard[-self.keep // 2 :]
        self.at += n // self.size
        return n

    # --- irq(): one transfer, then a callback ---

    def _ask(self, buf, n):
        if self.pending and "second-write" in faults:
            return
        assert not self.pending
        self.pending = (buf, n)

    def service(self):
        if not self.pending:
            return
        buf, n = self.pending
        frames = n // self.size
        if frames > (self._waiting() if self.mode == I2S.RX else self._free()):
            return
        if self.mode == I2S.RX:
            self._read(buf, frames)
        else:
            self._write(buf, 0, frames)
        self.pending = None
        self.callbacks += 1
        if not ("lost-irq" in faults and self.callbacks % 4 == 0):
            self.callback(self)


# 16 samples: 1 kHz at 16 kHz, 500 Hz at 8 kHz
_SINE = (0, 383, 707, 924, 1000, 924, 707, 383, 0, -383, -707, -924, -1000, -924, -707, -383)


def _sample(s, bits):
    if bits == 16:
        return bytes((s & 255, s >> 8 & 255))
    s *= 32  # 24 bits, 18 dB below what 16 of them would be; the upper 24 of 32
    return bytes((0, s & 255, s >> 8 & 255, s >> 16 & 255))


def install():
    sys.modules["machine"] = sys.modules[__name__]
