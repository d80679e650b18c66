"""A user agent server as small as one can be: every INVITE is answered with 200 at once.

    uas_program.py HOST PORT

The core is driven by a loop of its own on one socket, without asyncio. SIGTERM ends it; then it
prints a line of JSON: seconds of CPU used, calls, failures."""

import json
import os
import select
import signal
import socket
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))

from usip import limits  # noqa: E402
from usip.agent import Agent  # noqa: E402
from usip.calls import Calls  # noqa: E402
from usip.sdp import Session  # noqa: E402

limits.CALLS = limits.TRANSACTIONS = 1_000_000
limits.FLOWS = 64


class Flow:
    transport = b"UDP"
    reliable = False

    def __init__(self, sock, local, address):
        self.sock = sock
        self.local = local
        self.address = address
        self.remote = (address[0].encode(), address[1])

    def send(self, data):
        try:
            self.sock.sendto(data, self.address)
        except OSError:
            pass
        return True


class Net:
    def __init__(self, host, port):
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
        self.sock.bind((host, port))
        self.sock.setblocking(False)
        self.local = (host.encode(), port)
        self.flows = {}

    def at(self, address):
        flow = self.flows.get(address)
        if not flow:
            flow = self.flows[address] = Flow(self.sock, self.local, address)
        return flow

    def flow(self, host, port, transport=b"UDP"):
        return self.at((host.decode(), port))


def now():
    return time.monotonic_ns() // 1_000_000 & 0x3FFFFFFF


def main(host, port):
    net = Net(host, port)
    count = {"incoming": 0, "answered": 0, "ended": 0, "lost": 0}

    def listener(event, call, detail):
        if event in count:
            count[event] += 1
        if event == "incoming":
            call.answer(now())
        elif event == "ended" and call.reason != "HungUp":
            count["lost"] += 1

    agent = Agent(net, listener, b"sip:bench@" + host.encode())
    agent.most = limits.TRANSACTIONS
    Calls(agent, lambda call, flow: Session(flow.local[0], 16384))
    going = [True]
    signal.signal(signal.SIGTERM, lambda *_: going.clear())
    print("ready", flush=True)
    sock = net.sock
    at = 0
    while going:
        t = now()
        if (t - at) & 0x3FFFFFFF < 0x20000000:
            # Deadlines are of 200 ms and more: to look at them every 50 is enough.
            agent.poll(t)
            at = (now() + 50) & 0x3FFFFFFF
        if not select.select([sock], [], [], 0.05)[0]:
            continue
        for _ in range(64):
            try:
                data, address = sock.recvfrom(65536)
            except OSError:
                break
            agent.receive(data, net.at(address), now())
    print(json.dumps({"cpu": time.process_time(), **count}), flush=True)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
