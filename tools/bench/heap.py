"""The heap ladder: the smallest heap in which a program still does its job, by bisection.

A registrar and a phone on CPython are the other end. A heap counts when the job is done three
times in a row in it: what is left over at the end of a collection differs from run to run."""

import asyncio
import logging
import os
import subprocess
import sys

import table
from table import HERE, ROOT

import runner
from usip import Phone
from usip.server.runner import Server
from usip_cpython.net import Net
from usip_host.sound import ToneAudio

HOST = "127.0.0.1"
STEP = 512  # bytes
PORTS = iter(range(23000, 32000, 2))  # of the device's own: it cannot ask the system for a free one


class Tone(ToneAudio):
    """A tone, and what is heard."""

    def __init__(self):
        super().__init__(1000)
        self.heard = 0

    def write(self, pcm):
        self.heard += any(pcm)


class Peers:
    """A registrar, and a phone that answers at once."""

    async def __aenter__(self):
        users = {b"door": b"ding"}
        self.server = Server(Net(HOST), (HOST, 0), users, b"bench")
        await self.server.start()
        self.registrar = f"{HOST}:{self.server.driver.endpoint.port}"
        self.audio = Tone()
        self.phone = Phone(net=Net(HOST), audio=self.audio, bind=(HOST, 0))
        await self.phone.start()
        self.there = f"sip:indoor@{HOST}:{self.phone.driver.endpoint.port}"
        self.task = asyncio.create_task(self.serve())
        return self

    async def __aexit__(self, *exc):
        self.task.cancel()
        await self.phone.close()
        await self.server.close()

    async def serve(self):
        while True:
            call = await self.phone.incoming()
            if call:
                call.answer()


async def finished(argv, env, seconds, stdin=None):
    """What the program said; None when it failed or took too long."""
    p = await asyncio.create_subprocess_exec(
        *argv, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    try:
        out, _ = await asyncio.wait_for(p.communicate(stdin), seconds)
        return out.decode() if p.returncode == 0 else None
    except asyncio.TimeoutError:
        return None
    finally:
        if p.returncode is None:
            p.kill()
            await p.wait()


async def registers(peers, argv, env):
    out = await finished([*argv, f"sip:door@{peers.registrar}", "ding", str(next(PORTS))], env, 6)
    return out is not None and out.startswith("registered")


async def calls(peers, argv, env):
    args = [f"sip:door@{peers.registrar}", "ding", str(next(PORTS)), peers.there]
    out = await finished([*argv, *args], env, 9)
    if not out or not out.startswith("heard "):
        return False
    # A second is 50 frames; the first few are silence until the jitter buffer is filled.
    return int(out.split()[1]) > 30 and peers.audio.heard > 30


async def doorbell(peers, argv, env):
    """The button is pressed, the code is typed, the relay clicks, both hang up."""
    args = [f"sip:door@{peers.registrar}", "ding", peers.there, "4711", HOST]
    p = await asyncio.create_subprocess_exec(
        *argv,
        *args,
        env=env,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )

    async def until(start):
        while True:
            line = (await p.stdout.readline()).decode()
            if not line or line.startswith(("error", "nobody")):
                return False
            if line.startswith(start):
                return True

    async def job():
        if not await until("registered"):
            return False
        p.stdin.write(b"press bell\nrelease bell\n")
        if not await until("talking"):
            return False
        call = next(c.data for c in peers.phone.calls.active() if c.data and c.data.was_answered)
        await call.send_digits("4711#", duration_ms=80)
        if not await until("relay door 1") or not await until("relay door 0"):
            return False
        call.hangup()
        if not await until("call over"):
            return False
        p.stdin.write(b"quit\n")
        return await until("memory") and await p.wait() == 0 and peers.audio.heard > 30

    try:
        return await asyncio.wait_for(job(), 12)
    except (asyncio.TimeoutError, OSError, StopIteration):
        return False
    finally:
        if p.returncode is None:
            p.kill()
            await p.wait()


async def least(job, file, most, **how):
    """The smallest heap in which job() succeeds, and the command line."""
    argv, env = runner.command("unix32", file, heap="HEAP", **how)
    at = argv.index("heapsize=HEAP")

    async def works(size, times=1):
        argv[at] = f"heapsize={size}"
        # Each trial has peers of its own: nothing of a device that died is left.
        for _ in range(times):
            async with Peers() as peers:
                if not await job(peers, argv, env):
                    return False
        return True

    low, high = 4096, most
    if not await works(high):
        raise table.Missing(f"{os.path.basename(file)} fails in {high} bytes as well")
    while high - low > STEP:
        middle = (low + high) // 2 // STEP * STEP
        if await works(middle):
            high = middle
        else:
            low = middle
    while not await works(high, 3):
        high += STEP
    return high, argv


RUNGS = (
    ("heap_register", registers, os.path.join(HERE, "device", "register.py")),
    ("heap_call", calls, os.path.join(HERE, "device", "call.py")),
    ("heap_doorbell", doorbell, os.path.join(ROOT, "examples", "doorbell.py")),
)
HOW = (("mpy", {}), ("frozen", {"frozen": True}), ("py", {"sources": True}))


async def climb(out):
    version = None
    for ending, how in HOW:
        for name, job, file in RUNGS:
            try:
                size, argv = await least(job, file, 320 * 1024, **how)
            except table.Missing as e:
                out.skip(f"{name}_{ending}", str(e))
                continue
            version = version or table.micropython(argv)
            text = f"unix32 -X heapsize, bisection to {STEP}, then three times in a row"
            out.add(f"{name}_{ending}", size, "bytes", text, micropython=version)


def measure(out):
    if sys.platform != "linux":
        raise table.Missing("needs Linux")
    # A device that dies just when it is killed: asyncio wonders who took its exit status.
    logging.getLogger("asyncio").setLevel(logging.ERROR)
    asyncio.run(climb(out))
