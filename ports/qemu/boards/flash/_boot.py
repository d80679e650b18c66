# What runs first on the -flash boards, before boot.py and main.py: their disk, at "/".
#
# The disk lies in memory that the firmware does not use, and stays through a reset; a board that
# was switched off has an empty one.

import sys

import uctypes
import vfs

_AT = 0x21800000 if "mps2" in sys.implementation._machine else 0x87000000
_BLOCK = 4096
_BLOCKS = 256


class Disk:
    def __init__(self):
        self.data = memoryview(uctypes.bytearray_at(_AT, _BLOCK * _BLOCKS))

    def readblocks(self, n, buf, offset=0):
        at = n * _BLOCK + offset
        buf[:] = self.data[at : at + len(buf)]

    def writeblocks(self, n, buf, offset=0):
        at = n * _BLOCK + offset
        self.data[at : at + len(buf)] = buf

    def ioctl(self, op, arg):
        return {4: _BLOCKS, 5: _BLOCK}.get(op, 0)  # the rest: nothing to start, sync or erase


def mount():
    disk = Disk()
    try:
        found = vfs.VfsLfs2(disk)
    except OSError:
        vfs.VfsLfs2.mkfs(disk)
        found = vfs.VfsLfs2(disk)
    vfs.mount(found, "/")


mount()
sys.path.append("/lib")
