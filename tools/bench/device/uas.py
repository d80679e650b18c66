# Answers every INVITE at once, like tools/bench/uas_program.py on a host: what a board can bear.
# USAGE: uas.py HOST PORT CALLS

import asyncio
import gc
import sys

from usip import limits
from usip.agent import Agent
from usip.calls import Calls
from usip.driver import Driver, now
from usip.sdp import Session

HOST, PORT, CALLS = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])

# A hundred calls a second are two hundred transactions a second, and RFC 3261 keeps each for 32 s
# in case a message gets lost: 6,400 of them do not fit into 140 KB. On a cable a quarter of a
# second is enough, and of those that are over the oldest makes room.
limits.TIMEOUT = limits.LINGER = 250
limits.TRANSACTIONS = 60
limits.CALLS = 20


async def main():
    count = {"incoming": 0, "answered": 0, "ended": 0, "failed": 0}
    over = asyncio.Event()
    least = [1 << 29]

    def listener(event, call, detail):
        if event in count:
            count[event] += 1
        if event == "incoming":
            call.answer(now())
        elif event == "ended":
            if call.reason != "HungUp":
                count["failed"] += 1
            if count["ended"] % 50 == 0:
                gc.collect()
                least[0] = min(least[0], gc.mem_free())
            if count["ended"] == CALLS:
                over.set()
        elif event == "error":
            print("error", detail)

    def fault(e):
        sys.print_exception(e)
        raise SystemExit(1)

    import usip_qemu as board

    gc.collect()
    gc.threshold(32768)  # a collection takes as long as two messages do
    driver = Driver(board.net, (HOST, PORT))
    driver.fault = fault
    agent = Agent(driver, listener, b"sip:bench@" + HOST.encode())
    Calls(agent, lambda call, flow: Session(flow.local[0], 16384))
    driver.start(agent)
    print("ready")
    await over.wait()
    await asyncio.sleep(2 * limits.TIMEOUT / 1000)  # the last BYE again, if its answer was lost
    driver.close()
    print(count["ended"], "ended", count["failed"], "failed, least free", least[0])


asyncio.run(main())
