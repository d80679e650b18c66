# Registers, calls TO, sends and hears sound for a second, hangs up.
# USAGE: call.py AOR PASSWORD PORT TO

import asyncio
import sys

from usip import Phone
from usip_micropython.net import Net

AOR, PASSWORD, PORT, TO = sys.argv[1:5]


class Tone:
    """A microphone that hears 1 kHz, a loudspeaker that counts the frames that are not silent."""

    wave = b"\0\0\x2d\x40\x80\x5a\x2d\x40\0\0\xd3\xbf\x80\xa5\xd3\xbf"
    heard = 0

    def start(self):
        pass

    def stop(self):
        pass

    def readinto(self, pcm):
        wave = self.wave
        for i in range(320):
            pcm[i] = wave[i & 15]

    def write(self, pcm):
        if pcm[2] or pcm[4]:
            self.heard += 1


def fault(event, subject, detail):
    if event == "error":
        raise SystemExit(1)


async def main():
    tone = Tone()
    phone = Phone(
        AOR,
        PASSWORD,
        net=Net("127.0.0.1"),
        audio=tone,
        bind=("127.0.0.1", int(PORT)),
        listener=fault,
    )
    await phone.start()
    if not await phone.registered(3000):
        raise SystemExit(1)
    call = await phone.call(TO)
    if await call.answered():
        await call.ended(1000)
        call.hangup()
        await call.ended(2000)
    await phone.close()
    print("heard", tone.heard)


asyncio.run(main())
