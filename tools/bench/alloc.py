"""Bytes allocated: per message parsed, answered, built, and per RTP packet."""

import asyncio
import glob
import os
import subprocess

import heap
from table import HERE, Missing, micropython

import runner

CORPUS = sorted(glob.glob(os.path.join(HERE, "corpus", "*.sip")))
HOW = {
    "parse": "mean of the corpus, bytes to Message",
    "parse_fields": "the same and seven fields read",
    "build_200": "200 OK with SDP",
    "digest_answer": "Authorization value, MD5 with qop",
    "answer_options": "OPTIONS received, answered, transaction kept",
    "call_placed": "call, session, INVITE, transaction",
}


def device(name):
    return os.path.join(HERE, "device", name)


def measure(out):
    argv, env = runner.command("unix32", device("alloc.py"), CORPUS, heap="1M")
    version = micropython(argv)
    p = subprocess.run(argv, env=env, capture_output=True, text=True)
    if p.returncode:
        raise Missing(p.stderr.strip().splitlines()[-1])
    for line in p.stdout.splitlines():
        name, value = line.rsplit(" ", 1)
        if name == "rtp_50":
            text = "MediaStream alone: made of a frame, received, played"
            out.add("rtp_alloc_per_packet", int(value) / 50, "bytes", text, micropython=version)
        else:
            how = "unix32, " + HOW.get(name, name.split(":")[-1] + " of the corpus")
            out.add("alloc_" + name, int(value), "bytes", how, micropython=version)
    asyncio.run(call(out, version))


async def call(out, version):
    async with heap.Peers() as peers:
        args = [str(next(heap.PORTS)), peers.there]
        argv, env = runner.command("unix32", device("callalloc.py"), args, heap="2M")
        said = await heap.finished(argv, env, 10)
    if not said:
        raise Missing("the call with pump and socket failed")
    used, sent, received, digit = map(int, said.split())
    out.add(
        "rtp_alloc_per_packet_call",
        used / ((sent + received) / 2),
        "bytes",
        f"a whole call, pump, sockets, event loop, trace, half duplex: {sent} packets out, "
        f"{received} in, per packet out and one in",
        micropython=version,
    )
    text = "a digit that came: the application is told, and takes it"
    out.add("digit_alloc", digit, "bytes", text, micropython=version)
