# usip port for QEMU: the network card of the RISC-V board, virtio over mmio (the legacy kind)
# MIT licence; Copyright (c) 2026 the usip authors

from machine import mem8, mem16
from machine import mem32 as _m

# Rings and buffers lie where neither the firmware nor tools/runtimes/qemu.py has anything.
_N = 8
_RING = 0x84000000, 0x84004000  # to receive, to transmit
_DATA = 0x84010000, 0x84018000  # their buffers of 2 KB; 10 bytes of virtio, then the frame

_base = 0
_seen = 0


@micropython.viper
def _copy(target: ptr8, source: ptr8, n: int):
    for i in range(n):
        target[i] = source[i]


def start():
    global _base, _seen
    for a in range(0x10001000, 0x10009000, 0x1000):
        if _m[a] == 0x74726976 and _m[a + 8] == 1:
            _base = a
    if not _base:
        raise OSError(19)
    _seen = 0
    _m[_base + 0x70] = 0  # reset
    _m[_base + 0x70] = 3
    _m[_base + 0x20] = 1 << 5  # it may tell its MAC address, and nothing else
    _m[_base + 0x28] = 4096
    for q in (0, 1):
        ring = _RING[q]
        _m[_base + 0x30] = q
        _m[_base + 0x38] = _N
        _m[_base + 0x3C] = 4096
        _m[ring + 4096] = 0  # what was used before this start
        for i in range(_N):
            d = ring + 16 * i
            _m[d] = _DATA[q] + 2048 * i
            _m[d + 4] = 0
            _m[d + 8] = 2048
            _m[d + 12] = 0 if q else 2
            mem16[ring + 16 * _N + 4 + 2 * i] = i
        mem16[ring + 16 * _N] = 1  # no interrupts
        mem16[ring + 16 * _N + 2] = 0 if q else _N
        _m[_base + 0x40] = ring >> 12
    for i in range(_N):
        for j in range(10):
            mem8[_DATA[1] + 2048 * i + j] = 0
    _m[_base + 0x70] = 7
    _m[_base + 0x50] = 0
    return bytes([mem8[_base + 0x100 + i] for i in range(6)])


def recv(buf):
    """The next frame to `buf`: its length, 0 when there is none."""
    global _seen
    used = _RING[0] + 4096
    if mem16[used + 2] == _seen:
        return 0
    e = used + 4 + 8 * (_seen % _N)
    i = _m[e]
    n = min(_m[e + 4] - 10, len(buf))
    _copy(buf, _DATA[0] + 2048 * i + 10, n)
    _seen = (_seen + 1) & 0xFFFF
    a = _RING[0] + 16 * _N
    j = mem16[a + 2]
    mem16[a + 4 + 2 * (j % _N)] = i
    mem16[a + 2] = (j + 1) & 0xFFFF
    _m[_base + 0x50] = 0
    return n


def send(buf, n):
    a = _RING[1] + 16 * _N
    j = mem16[a + 2]
    while (j - mem16[_RING[1] + 4096 + 2]) & 0xFFFF >= _N:
        pass
    i = j % _N
    _copy(_DATA[1] + 2048 * i + 10, buf, n)
    _m[_RING[1] + 16 * i + 8] = n + 10
    mem16[a + 4 + 2 * i] = i
    mem16[a + 2] = (j + 1) & 0xFFFF
    _m[_base + 0x50] = 1
