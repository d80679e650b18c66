"""Draws what is left of the heap, hour by hour: tools/week.py [build/week.txt] [build/week.png]

tests/host/test_memory_out.py writes the former. The picture is a PNG made by hand: no library."""

import re
import struct
import sys
import zlib
from pathlib import Path

BUILD = Path(__file__).resolve().parent.parent / "build"
W, H, LEFT, BOTTOM = 900, 420, 60, 40
FREE, LARGEST, GRID, INK = (31, 119, 180), (214, 120, 20), (225, 225, 225), (60, 60, 60)
# digits of 3x5 dots, a row in three bits
SHAPES = {
    "0": "75557", "1": "26227", "2": "71747", "3": "71717", "4": "55711", "5": "74717",
    "6": "74757", "7": "71122", "8": "75757", "9": "75717",
}  # fmt: skip


class Canvas:
    def __init__(self):
        self.rows = [bytearray(b"\xff" * 3 * W) for _ in range(H)]

    def dot(self, x, y, colour):
        if 0 <= x < W and 0 <= y < H:
            self.rows[y][3 * x : 3 * x + 3] = bytes(colour)

    def line(self, x0, y0, x1, y1, colour):
        n = max(abs(x1 - x0), abs(y1 - y0), 1)
        for i in range(n + 1):
            x, y = x0 + (x1 - x0) * i // n, y0 + (y1 - y0) * i // n
            self.dot(x, y, colour)
            self.dot(x, y + 1, colour)

    def number(self, x, y, n):
        for c in str(n):
            for j, row in enumerate(SHAPES[c]):
                for i in range(3):
                    if int(row) >> (2 - i) & 1:
                        for a, b in ((0, 0), (0, 1), (1, 0), (1, 1)):
                            self.dot(x + 2 * i + a, y + 2 * j + b, INK)
            x += 8

    def png(self):
        def chunk(kind, data):
            crc = struct.pack(">I", zlib.crc32(kind + data))
            return struct.pack(">I", len(data)) + kind + data + crc

        head = struct.pack(">IIBBBBB", W, H, 8, 2, 0, 0, 0)
        data = zlib.compress(b"".join(b"\0" + bytes(r) for r in self.rows), 9)
        return (
            b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", data) + chunk(b"IEND", b"")
        )


def draw(rows):
    """`rows`: (hour, free, largest); blue is what is free, orange the largest piece."""
    c = Canvas()
    top = (max(r[1] for r in rows) // 4096 + 1) * 4096
    hours = rows[-1][0]

    def at(hour, value):
        x = LEFT + (W - LEFT - 20) * hour // hours
        return x, H - BOTTOM - (H - BOTTOM - 20) * value // top

    for kb in range(0, top + 1, 4096):
        x, y = at(0, kb)
        c.line(x, y, W - 20, y, GRID)
        c.number(LEFT - 30, y - 4, kb // 1024)
    for day in range(0, hours // 24 + 1):
        x, y = at(24 * day, 0)
        c.line(x, 20, x, y, GRID)
        c.number(x - 3, y + 10, day)
    for column, colour in ((1, FREE), (2, LARGEST)):
        for a, b in zip(rows, rows[1:]):
            c.line(*at(a[0], a[column]), *at(b[0], b[column]), colour)
    return c.png()


def main(args):
    source = Path(args[0]) if args else BUILD / "week.txt"
    target = Path(args[1]) if len(args) > 1 else BUILD / "week.png"
    found = re.findall(r"hour (\d+) free (\d+) largest (\d+)", source.read_text())
    if not found:
        print(f"{source}: no hours in it", file=sys.stderr)
        return 1
    target.write_bytes(draw([tuple(map(int, row)) for row in found]))
    print(f"{target}: KB free (blue) and in one piece (orange), by days")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
