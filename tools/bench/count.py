"""Instructions, counted and not timed: the interpreter runs under valgrind's callgrind.

Of N and of 3 N calls the whole process is counted; the difference is the cost of 2 N calls, with
their share of the garbage collection. Addresses and environment are the same each time."""

import os
import re
import shutil
import subprocess
import tempfile
from concurrent.futures import ThreadPoolExecutor

from alloc import CORPUS, device
from table import Missing, micropython, said

import runner

WORK = (  # name, calls, divisor, what one is
    ("parse", 10, 12, "message of the corpus parsed, seven fields read"),
    ("build_200", 40, 1, "200 OK with SDP built"),
    ("digest_md5", 40, 1, "Authorization value, MD5 with qop"),
    ("digest_sha256", 40, 1, "the same with SHA-256"),
    ("g711_encode", 200, 1, "frame of 160 samples to PCMA, viper"),
    ("g711_decode", 200, 1, "frame of 160 samples from PCMA, viper"),
    ("g711_encode_plain", 40, 1, "the same to PCMA without machine code"),
    ("rtp", 100, 1, "packet made of a frame, received, put in order and played"),
    ("dtmf_made", 100, 1, "frame of two sines, viper"),
    ("dtmf_heard", 40, 1, "frame searched for DTMF, a digit in it, viper"),
    ("volume", 100, 1, "frame of 160 samples made softer"),
    ("halve_16k", 100, 1, "frame of 320 samples from 16 kHz to 8 kHz"),
    ("g722_encode", 40, 1, "frame of 320 samples of 16 kHz to G.722, viper"),
    ("g722_decode", 40, 1, "frame of 320 samples of 16 kHz from G.722, viper"),
    ("g722_encode_8k", 40, 1, "frame of 160 samples of 8 kHz to G.722's lower band, viper"),
    ("g722_decode_8k", 40, 1, "frame of 160 samples of 8 kHz from G.722's lower band, viper"),
    ("half_duplex", 100, 1, "frame recorded and frame played, half duplex switched by voice"),
    ("half_duplex_agc", 100, 1, "the same with automatic gain"),
    ("nlms_64", 40, 1, "frame recorded and frame played, block NLMS of 64 taps (8 ms), learning"),
    (
        "nlms_128",
        40,
        1,
        "frame recorded and frame played, block NLMS of 128 taps (16 ms), learning",
    ),
    ("frame", 100, 1, "20 ms of a call: received, decoded, half duplex, encoded, sent"),
    ("frame_lost", 100, 1, "the same where no packet came, and the frame is made up"),
    ("frame_received", 100, 1, "of it: received, put in order, decoded"),
    ("frame_duplex", 100, 1, "of it: half duplex, both ways"),
    ("frame_sent", 100, 1, "of it: encoded, header written"),
)
LESS = ("frame", "frame_lost", "frame_received")  # of which a part is no work of ours


def instructions(argv, env, what, n):
    with tempfile.TemporaryDirectory() as folder:
        command = ["setarch", "-R", "valgrind", "--tool=callgrind"]
        command += [f"--callgrind-out-file={folder}/out", *argv, what, str(n), *CORPUS]
        p = subprocess.run(command, env=env, capture_output=True, text=True)
    found = re.search(r"Collected : (\d+)", p.stderr)
    if p.returncode or not found:
        raise Missing(f"callgrind: {p.stderr.strip().splitlines()[-1]}")
    return int(found.group(1))


def measure(out):
    for name in ("valgrind", "setarch"):
        if not shutil.which(name):
            raise Missing(f"needs {name} (apt-get install valgrind)")
    argv, env = runner.command("unix32", device("count.py"), heap="1M")
    env = {"PATH": os.environ.get("PATH", "/usr/bin:/bin"), "MICROPYPATH": env["MICROPYPATH"]}
    versions = {"micropython": micropython(argv), "valgrind": said("valgrind", "--version")}

    def one(row):
        name, n, parts, _ = row
        few, many = (instructions(argv, env, name, x) for x in (n, 3 * n))
        if name in LESS:
            less = (instructions(argv, env, name + ":1", x) for x in (3 * n, n))
            few += next(less) - next(less)
        return round((many - few) / (2 * n * parts))

    with ThreadPoolExecutor(2) as pool:
        for row, value in zip(WORK, pool.map(one, WORK)):
            how = f"unix32 under callgrind: {row[3]}"
            out.add(row[0] + "_instructions", value, "instructions", how, **versions)
