"""Instructions on the boards that QEMU emulates, counted by their clock: exact, and the same on a
machine that is busy. tests/host/test_instructions.py holds them to tests/host/instructions.json."""

import subprocess

from alloc import CORPUS, device
from table import HERE, Missing, micropython_of

import runner

BOARDS = {"m3": "qemu-arm", "rv32": "qemu-rv32"}
NAMES = {"m3": "Cortex-M3", "rv32": "RV32IMAC"}
HOW = {
    "parse": "a message of the corpus parsed, seven fields read, mean",
    "parse_only": "a message of the corpus parsed, nothing read, mean",
    "naive_parse": "the same as parse by the naive parser",
    "build_200": "200 OK with SDP built",
    "naive_build_200": "the same by the naive builder",
    "digest_md5": "Authorization value, MD5 with qop",
    "digest_sha256": "the same with SHA-256",
    "g711_encode": "frame of 160 samples to PCMA, viper",
    "g711_decode": "frame of 160 samples from PCMA, viper",
    "g711_encode_plain": "the same to PCMA without machine code",
    "rtp": "packet made of a frame, received, put in order and played",
    "dtmf_made": "frame of two sines",
    "dtmf_heard": "frame searched for DTMF, a digit in it",
    "volume": "frame of 160 samples made softer",
    "halve_16k": "frame of 320 samples from 16 kHz to 8 kHz",
    "g722_encode": "frame of 320 samples of 16 kHz to G.722, viper",
    "g722_decode": "frame of 320 samples of 16 kHz from G.722, viper",
    "g722_encode_8k": "frame of 160 samples of 8 kHz to G.722's lower band, viper",
    "g722_decode_8k": "frame of 160 samples of 8 kHz from G.722's lower band, viper",
    "half_duplex": "frame recorded and frame played, half duplex switched by voice",
    "half_duplex_agc": "the same with automatic gain",
    "nlms_64": "frame recorded and frame played, block NLMS of 64 taps (8 ms), learning",
    "nlms_128": "frame recorded and frame played, block NLMS of 128 taps (16 ms), learning",
    # One phone's work of 20 ms, in the pump: all but the socket's and the event loop's own.
    "frame": "20 ms of a call: received, decoded, half duplex, encoded, sent",
    "frame_lost": "the same where no packet came, and the frame is made up",
    "frame_received": "of it: received, put in order, decoded",
    "frame_duplex": "of it: half duplex, both ways",
    "frame_sent": "of it: encoded, header written",
}


def count(board):
    """What the firmware was built with, and {name: instructions} on "m3" or "rv32"."""
    file = device("icount.py")
    argv, env = runner.command(BOARDS[board], file, CORPUS, path=[HERE], counted=True, timeout=60)
    p = subprocess.run(argv, env=env, capture_output=True, text=True, timeout=90)
    rows = dict(line.split(" ", 1) for line in p.stdout.splitlines() if " " in line)
    toolchain = rows.pop("toolchain", "")
    if p.returncode or set(rows) != set(HOW):
        raise Missing(f"{BOARDS[board]}: {(p.stdout + p.stderr).strip()[-300:]}")
    # A name: what the bench and the file of budgets call it.
    return toolchain, {f"{board}_{x}_instructions": int(rows[x]) for x in HOW}


def measure(out):
    for board in BOARDS:
        try:
            toolchain, found = count(board)
        except runner.RunError as e:
            raise Missing(str(e))
        versions = {"micropython": micropython_of(toolchain), "toolchain": toolchain}
        for (name, value), how in zip(found.items(), HOW.values()):
            text = f"{NAMES[board]} in QEMU, -icount: {how}"
            out.add(name, value, "instructions", text, **versions)
        share(out, board, found)


# No board was at hand. A core that runs from a cache in flash needs more than a cycle for an
# instruction: two are assumed. An ESP32-C3 has the instructions of the emulated RV32; an ESP32's
# own (Xtensa) cannot be counted here, and are assumed to be as many as a Cortex-M3's.
CYCLES = 2
CHIPS = {"rv32": ("ESP32-C3", 160), "m3": ("ESP32", 240)}


def share(out, board, found):
    """What of a chip's time the sound of a call takes."""
    chip, mhz = CHIPS[board]
    for name in ("frame", "frame_lost"):
        value = 100 * CYCLES * found[f"{board}_{name}_instructions"] / (mhz * 20000)
        text = f"{chip} at {mhz} MHz, assumed: {CYCLES} cycles an instruction, as many"
        text += f" as {NAMES[board]}"
        key = f"{name}_share_{chip.lower().replace('-', '_')}"
        out.add(key, round(value, 1), "%", f"{text}; {HOW[name]}")
