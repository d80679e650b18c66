# usip: prompts that begin again at their end

import os

from usip.media.prompt import Prompt

# One for each process: they may share a folder.
FILE = "prompt%d.alaw" % int.from_bytes(os.urandom(3), "little")


def pieces(octets, n):
    with open(FILE, "wb") as f:
        f.write(b"\x55" * octets)
    try:
        p = Prompt(FILE, loop=True)
        pcm = bytearray(320)
        out = [p.readinto(pcm) for _ in range(n)]
        p.close()
        return out
    finally:
        os.remove(FILE)


def test_a_loop_goes_on_after_a_part_of_a_frame():
    # Less than a frame is how a source says that it is over.
    assert pieces(200, 5) == [160] * 5
    assert pieces(320, 5) == [160] * 5
    assert pieces(40, 3) == [160] * 3


def test_an_empty_file_is_no_loop():
    assert pieces(0, 2) == [0, 0]
