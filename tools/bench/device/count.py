# Does one piece of work N times. USAGE: count.py WHAT N MESSAGE...

import sys

import work

from usip.media import _g711_plain, g711

WHAT = sys.argv[1]
N = int(sys.argv[2])
data = work.load(sys.argv[3:])
pcm = bytearray([i * 37 & 255 for i in range(320)])
law = bytearray(160)


def parse():
    for d in data:
        work.fields(d)


def encode():
    g711.encode(8, pcm, 160, law, 0)


def decode():
    g711.decode(8, law, 0, 160, pcm)


def plain():
    _g711_plain.encode(8, pcm, 160, law, 0)


if WHAT == "parse":
    f = parse
elif WHAT == "build_200":
    f = work.Ok(data[0]).build
elif WHAT == "digest_md5":
    f = work.Digest(b"MD5").answer
elif WHAT == "digest_sha256":
    f = work.Digest(b"SHA-256").answer
elif WHAT == "rtp":
    f = work.Sound().packet
else:
    f = {"g711_encode": encode, "g711_decode": decode, "g711_encode_plain": plain}[WHAT]

for _ in range(N):
    f()
