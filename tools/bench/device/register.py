# Registers, as every phone does, and unregisters. USAGE: register.py AOR PASSWORD PORT
# The sockets are those that all MicroPython ports share: no file sound of the host in the heap.

import asyncio
import sys

from usip import Phone
from usip_micropython.net import Net

AOR, PASSWORD, PORT = sys.argv[1:4]


def fault(event, subject, detail):
    if event == "error":
        raise SystemExit(1)  # out of memory, mostly


async def main():
    phone = Phone(
        AOR, PASSWORD, net=Net("127.0.0.1"), bind=("127.0.0.1", int(PORT)), listener=fault
    )
    await phone.start()
    good = await phone.registered(3000)
    await phone.close()
    print("registered" if good else phone.explain())


asyncio.run(main())
