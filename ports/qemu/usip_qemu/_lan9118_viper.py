# usip port for QEMU: the network card of the Cortex-M3 board
# MIT licence; Copyright (c) 2026 the usip authors

from machine import mem32 as _m

_B = 0x40200000


@micropython.viper
def _in(buf, n: int):
    p = ptr32(buf)
    fifo = ptr32(0x40200000)
    for i in range(n):
        p[i] = fifo[0]


@micropython.viper
def _out(buf, n: int):
    p = ptr32(buf)
    fifo = ptr32(0x40200020)
    for i in range(n):
        fifo[0] = p[i]


def _mac(register, value):
    _m[_B + 0xA8] = value
    _m[_B + 0xA4] = 0x80000000 | register


def start():
    _m[_B + 0x74] = 1  # soft reset
    while _m[_B + 0x74] & 1:
        pass
    _m[_B + 0x74] = 0x00050000
    _m[_B + 0x70] = 2  # transmitter on
    _mac(1, 1 << 18 | 1 << 3 | 1 << 2)  # promiscuous, transmit, receive
    return b"\x52\x54\x00\x12\x34\x56"


def recv(buf):
    """The next frame to `buf`: its length, 0 when there is none."""
    if not (_m[_B + 0x7C] >> 16) & 0xFF:
        return 0
    n = (_m[_B + 0x40] >> 16) & 0x3FFF
    _in(buf, (n + 3) >> 2)
    return n - 4


def send(buf, n):
    _m[_B + 0x20] = 1 << 13 | 1 << 12 | n
    _m[_B + 0x20] = n
    _out(buf, (n + 3) >> 2)
    while (_m[_B + 0x80] >> 16) & 0xFF:  # how the last ones went
        _m[_B + 0x48]
