# Calls TO and tells the bytes allocated and the packets of two seconds of the call: pump, socket,
# half duplex, event loop and all; and the bytes that one digit costs, told to the application and
# taken by it. USAGE: callalloc.py PORT TO [HOST [CODEC [RATE]]]   (CODEC 9: G.722)

import asyncio
import gc
import sys

from usip import Phone
from usip.media.duplex import HalfDuplex
from usip_micropython.net import Net


class Quiet:
    rate = int(sys.argv[5]) if len(sys.argv) > 5 else 8000

    def start(self):
        pass

    def stop(self):
        pass

    def readinto(self, pcm):
        pass

    def write(self, pcm):
        pass


async def main():
    host = sys.argv[3] if len(sys.argv) > 3 else "127.0.0.1"
    bind = (host, int(sys.argv[1]))
    codecs = (int(sys.argv[4]),) if len(sys.argv) > 4 else (8, 0)
    how = {"codecs": codecs, "speech": HalfDuplex()}
    phone = Phone(net=Net(host), audio=Quiet(), bind=bind, **how)
    await phone.start()
    call = await phone.call(sys.argv[2])
    await call.answered()
    await call.ended(2500)  # the stream has settled
    gc.collect()
    gc.disable()
    stats = call.stats
    before = gc.mem_alloc()
    await asyncio.sleep(2)
    after = gc.mem_alloc()
    now = call.stats
    call.digit_came(b"1")
    await call.digit()
    digit = gc.mem_alloc()
    for _ in range(10):
        call.digit_came(b"1")
        await call.digit()
    digit = (gc.mem_alloc() - digit) // 10
    call.hangup()
    await phone.close()
    print(
        after - before,
        now["packets_sent"] - stats["packets_sent"],
        now["packets_received"] - stats["packets_received"],
        digit,
    )


asyncio.run(main())
