# A registrar for an intercom without a PBX: its users find each other by 302.
# MIT licence; Copyright (c) 2026 the usip authors
#
#   tools/run cpython examples/registrar.py 192.168.1.10:5060 door:secret indoor:geheim

import asyncio
import sys

try:
    import usip_unix as board
except ImportError:
    import usip_cpython as board

from usip.server.runner import Server


def tell(event, subject, detail):
    if isinstance(subject, bytes):
        subject = str(subject, "utf-8")
    print(event, subject, str(detail, "utf-8") if isinstance(detail, bytes) else "")


async def main(address, *accounts):
    host, port = address.rsplit(":", 1)
    users = {}
    for a in accounts:
        name, password = a.split(":", 1)
        users[name.encode()] = password.encode()
    await Server(board.net, (host, int(port)), users, listener=tell).start()
    print("listening on", address)
    while True:
        await asyncio.sleep(3600)


if len(sys.argv) < 3:
    print("registrar.py IP:PORT USER:PASSWORD...")
    sys.exit(2)
asyncio.run(main(*sys.argv[1:]))
