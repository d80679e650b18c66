#!/usr/bin/env python3
# usip: ten thousand devices whose registrar dies and returns, on a clock that only exists here
# MIT licence; Copyright (c) 2026 the usip authors
"""What a registrar has to bear from a fleet: a table, and the chart build/fleet.svg.

fleetchart.py [--devices 10000] [--capacity 1000]

Two minutes for 10,000 devices. Exit status 1 when they are not all back within six minutes, or come
at more than twice the steady rate after the first minute.
"""

import argparse
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "support")]

import fleet  # noqa: E402  (found on the path made above)

WIDTH, HEIGHT, LEFT, TOP = 760, 150, 60, 34
BEFORE, AFTER = 300, 5400  # seconds that are drawn


def panel(name, story, y):
    """One story: registrations a second from five minutes before the registrar is there."""
    done = story.fleet.done
    start = story.at - BEFORE
    step = 10
    points = []
    for s in range(start, story.at + AFTER, step):
        points.append(sum(done[max(s, 0) : max(s + step, 0)]) / step)
    high = max(story.steady * 8, 1)
    x = [LEFT + i * WIDTH / len(points) for i in range(len(points))]

    def at(rate):
        return y + HEIGHT - HEIGHT * min(rate, high) / high

    def second(s):
        return LEFT + (s + BEFORE) * WIDTH / (BEFORE + AFTER)

    line = " ".join(["%.1f,%.1f" % (a, at(r)) for a, r in zip(x, points)])
    out = [
        '<text x="%d" y="%d" font-weight="bold">%s</text>' % (LEFT, y - 8, name),
        '<rect x="%.1f" y="%d" width="%.1f" height="%d" fill="#eee"/>'
        % (second(0), y, second(60) - second(0), HEIGHT),
    ]
    for rate, text, colour in (
        (story.steady, "steady", "#888"),
        (2 * story.steady, "twice", "#c33"),
    ):
        y0 = at(rate)
        out.append(
            '<path d="M%d %.1fH%d" stroke="%s" stroke-dasharray="4 3"/>'
            % (LEFT, y0, LEFT + WIDTH, colour)
        )
        out.append(
            '<text x="%d" y="%.1f" text-anchor="end">%.1f/s</text>' % (LEFT - 4, y0 + 4, rate)
        )
        out.append(
            '<text x="%d" y="%.1f" fill="%s">%s</text>' % (LEFT + WIDTH + 4, y0 + 4, colour, text)
        )
    out.append('<polyline points="%s" fill="none" stroke="#236" stroke-width="1.3"/>' % line)
    top = max(points)
    if top > high:
        out.append(
            '<text x="%.1f" y="%d">to %d/s (10 s), %d in the first minute</text>'
            % (second(60) + 6, y + 12, top, story.first_minute)
        )
    for s in range(0, AFTER + 1, 900):
        out.append(
            '<text x="%.1f" y="%d" text-anchor="middle">%d min</text>'
            % (second(s), y + HEIGHT + 14, s // 60)
        )
    out.append(
        '<path d="M%d %dV%dH%d" stroke="#000" fill="none"/>' % (LEFT, y, y + HEIGHT, LEFT + WIDTH)
    )
    return out


def draw(told, n, path):
    out = [
        '<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" font-family="sans-serif" '
        'font-size="12"><rect width="100%%" height="100%%" fill="#fff"/>'
        % (LEFT + WIDTH + 60, TOP + len(told) * (HEIGHT + 60) + 10),
        '<text x="%d" y="14">Registrations a second at the registrar of %d devices, 10 s averages; '
        "at 0 it is there (again); grey: the first minute</text>" % (LEFT, n),
    ]
    for i, (name, story) in enumerate(told):
        out += panel(name, story, TOP + 16 + i * (HEIGHT + 60))
    path.parent.mkdir(exist_ok=True)
    path.write_text("\n".join(out) + "\n</svg>\n")


def main(args=None):
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--devices", type=int, default=10_000)
    parser.add_argument("--capacity", type=int, default=1000, help="REGISTERs it does a second")
    parser.add_argument("--out", type=Path, default=ROOT / "build" / "fleet.svg")
    options = parser.parse_args(args)
    told = []
    good = True
    print("%-50s %8s %8s %10s %10s" % ("", "asking", "all back", "most in 1 s", "then most"))
    for name, s in fleet.tell(n=options.devices, capacity=options.capacity):
        told.append((name, s))
        print(
            "%-50s %8d %6d s %9d/s %6.2f x %.1f/s"
            % (name, s.asking, s.back_s, s.first, s.worst, s.steady),
            flush=True,
        )
        good = good and s.back_s <= 360 and s.worst < 2
    draw(told, options.devices, options.out)
    print(options.out)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
