"""The product doing its job, without a PBX and without hardware.

A doorbell on MicroPython (unix port, 32 bits, 72 KB heap, usip frozen as in a firmware) registers
with an embedded registrar. Its button is pressed; an indoor phone on CPython rings, answers, both
hear each other; a wrong code leaves the door shut, the right one opens it; a text arrives; the call
ends. Leaves in build/demo/ call.pcap, ladder.html and the two recordings. Exit status 1 if any of
it did not happen."""

import asyncio
import math
import os
import random
import struct
import subprocess
import sys
import time
import wave

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
for folder in ("tools", "ports/host", "ports/cpython", "."):
    sys.path.insert(0, os.path.join(ROOT, folder))

import ladder  # noqa: E402
import runner  # noqa: E402
from usip import Phone  # noqa: E402
from usip.server.runner import Server  # noqa: E402
from usip_cpython.net import Net  # noqa: E402
from usip_host.pcap import Pcap  # noqa: E402
from usip_host.sound import WavAudio  # noqa: E402

OUT = os.path.join(ROOT, "build", "demo")
HOST = "127.0.0.1"
CODE = "4711"
SECONDS = 3  # of each voice; repeated


class Failure(Exception):
    """Something that the demo promises did not happen."""


def path(name):
    return os.path.join(OUT, name)


def make_voice(name, seed):
    """Something as recognisable as speech: a tone that wanders, with syllables."""
    r = random.Random(seed)
    phase = 0.0
    out = bytearray()
    for syllable in range(SECONDS * 4):
        f0, f1 = r.uniform(300, 900), r.uniform(600, 2800)
        for i in range(2000):
            f = f0 + (f1 - f0) * i / 2000
            phase += 2 * math.pi * f / 8000
            level = math.sin(math.pi * i / 2000) * (9000 + 3000 * math.sin(syllable))
            out += struct.pack("<h", int(level * math.sin(phase)))
    with wave.open(path(name), "wb") as w:
        w.setparams((1, 2, 8000, 0, "NONE", ""))
        w.writeframes(bytes(out))


def samples(name):
    with wave.open(path(name), "rb") as w:
        data = w.readframes(w.getnframes())
    return struct.unpack(f"<{len(data) // 2}h", data)


def correlation(played, heard):
    """The best correlation of the second second of what was heard, when both talk and nobody types,
    with what was played in a loop."""
    part = heard[8000:16000]
    norm = math.sqrt(sum(s * s for s in part)) or 1.0
    loop = played + played
    # First with every 7th sample, then the best places with all.
    few = part[::7]
    rough = sorted(
        (
            (sum(a * b for a, b in zip(few, loop[lag : lag + 8000 : 7])), lag)
            for lag in range(len(played))
        ),
        reverse=True,
    )
    best = 0.0
    for _, lag in rough[:50]:
        piece = loop[lag : lag + 8000]
        power = math.sqrt(sum(s * s for s in piece)) or 1.0
        best = max(best, sum(a * b for a, b in zip(part, piece)) / norm / power)
    return best


class Demo:
    def __init__(self):
        self.t0 = time.monotonic()
        self.seen = []
        self.news = asyncio.Event()

    def say(self, who, text):
        print(f"{time.monotonic() - self.t0:6.2f} s  {who:10} {text}", flush=True)
        self.seen.append((who, text))
        self.news.set()

    def said(self, who, start):
        return any(w == who and t.startswith(start) for w, t in self.seen)

    async def until(self, who, start, seconds=15):
        """Wait until `who` has said something that begins with `start`."""

        async def wait():
            while not self.said(who, start):
                self.news.clear()
                await self.news.wait()

        try:
            await asyncio.wait_for(wait(), seconds)
        except asyncio.TimeoutError:
            raise Failure(f"waited {seconds} s for the {who} to say: {start}") from None

    async def listen(self, process):
        async for line in process.stdout:
            self.say("doorbell", line.decode().strip())

    # --- the three parties ---

    async def run(self):
        make_voice("at-the-door.wav", 1)
        make_voice("in-the-house.wav", 2)
        pcap = Pcap(path("call.pcap"), digits=True)  # of a code that everybody may know

        def server_event(event, subject, detail):
            self.say(
                "registrar",
                f"{event}: {subject.decode() if isinstance(subject, bytes) else subject}",
            )

        users = {b"door": b"ding", b"indoor": b"dong"}
        server = Server(Net(HOST), (HOST, 0), users, b"usip.demo", server_event, pcap)
        await server.start()
        registrar = f"{HOST}:{server.driver.endpoint.port}"
        self.say("registrar", f"listens on {registrar}")
        audio = WavAudio(path("in-the-house.wav"), path("heard-in-the-house.wav"), loop=True)

        def indoor_trace(out, data, flow, now):
            # What it says to the registrar is in the registrar's trace already.
            if flow.remote[1] != server.driver.endpoint.port:
                pcap(out, data, flow, now)

        phone = Phone(
            f"sip:indoor@{registrar}",
            "dong",
            net=Net(HOST),
            audio=audio,
            bind=(HOST, 0),
            trace=indoor_trace,
            # Our registrar points callers to each other: they come from their own addresses.
            allow=f"registrar,{HOST}",
        )
        process = None
        try:
            await phone.start()
            port = phone.driver.endpoint.port
            if not await phone.registered(5000):
                raise Failure("the indoor phone did not register")
            process = await self.start_doorbell(registrar)
            await self.until("doorbell", "registered")
            call = await self.talk(phone, process)
            process.stdin.write(b"quit\n")
            await asyncio.wait_for(process.wait(), 10)
            await self.until("doorbell", "memory:")
        finally:
            if process and process.returncode is None:
                process.kill()
            await phone.close()
            await server.close()
            audio.close()
            pcap.close()
        door = call.core.dialog.target.decode().split("@")[1].rstrip(">")
        house = f"{HOST}:{port}"
        return {registrar: "registrar", house: "indoor phone", door: "doorbell"}

    async def start_doorbell(self, registrar):
        args = [f"sip:door@{registrar}", "ding", f"sip:indoor@{registrar}", CODE, HOST]
        args += [path("at-the-door.wav"), path("heard-at-the-door.wav"), HOST]
        argv, env = runner.command(
            "unix32", os.path.join(ROOT, "examples", "doorbell.py"), args, heap="72k", frozen=True
        )
        process = await asyncio.create_subprocess_exec(
            *argv, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        self.listening = asyncio.create_task(self.listen(process))
        return process

    async def talk(self, phone, process):
        process.stdin.write(b"press bell\nrelease bell\n")
        await self.until("doorbell", "the button is pressed")
        call = await phone.incoming(10_000)
        if not call:
            raise Failure("the indoor phone did not ring")
        self.say("indoor", f"rings: {call.peer.decode().split(';')[0]}")
        await asyncio.sleep(1)
        call.answer()
        if not await call.answered():
            raise Failure("the call was not answered")
        self.say("indoor", "answered; both talk")
        await self.until("doorbell", "talking")
        await asyncio.sleep(SECONDS)
        self.say("indoor", "types 1234#")
        await call.send_digits("1234#")
        await self.until("doorbell", "wrong code")
        if self.said("doorbell", "relay door 1"):
            raise Failure("a wrong code opened the door")
        self.say("indoor", f"types {CODE}#")
        await call.send_digits(CODE + "#")
        await self.until("doorbell", "relay door 1")
        await self.until("doorbell", "relay door 0")
        status = await phone.message(call.core.dialog.target, "Come in, second floor! ✓")
        self.say("indoor", f"sent a text: {status}")
        await self.until("doorbell", "text: Come in, second floor! ✓")
        self.say("indoor", "hangs up")
        call.hangup()
        await call.ended(5000)
        s = call.stats
        packets = f"packets received {s['packets_received']}, lost {s['packets_lost']}"
        self.say("indoor", f"call over: {call.reason}, {packets}")
        await self.until("doorbell", "call over")
        return call


def main():
    os.makedirs(OUT, exist_ok=True)
    demo = Demo()
    try:
        runner.command("unix32", os.path.join(ROOT, "examples", "doorbell.py"), frozen=True)
        names = asyncio.run(demo.run())
        packets = ladder.read_pcap(path("call.pcap"))
        print("\n" + ladder.text(packets, names))
        with open(path("ladder.html"), "w", encoding="utf-8") as f:
            f.write(ladder.html(packets, names, title="A doorbell rings"))
        there = correlation(samples("at-the-door.wav"), samples("heard-in-the-house.wav"))
        back = correlation(samples("in-the-house.wav"), samples("heard-at-the-door.wav"))
        print(f"\nheard in the house / played at the door: correlation {there:.4f}")
        print(f"heard at the door / played in the house: correlation {back:.4f}")
        if min(there, back) < 0.95:
            raise Failure("they did not hear each other")
    except (Failure, runner.RunError) as e:
        print(f"demo: FAILED: {e}", file=sys.stderr)
        return 1
    print("\nIn build/demo: " + ", ".join(sorted(os.listdir(OUT))))
    seconds = time.monotonic() - demo.t0
    print(
        f"demo: done in {seconds:.1f} s: it rang, they talked, only the right code opened the door."
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
