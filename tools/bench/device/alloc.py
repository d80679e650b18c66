# Bytes allocated by one of each. USAGE: alloc.py MESSAGE...   prints lines "name bytes"

import gc
import sys

import work

from usip.calls import Calls
from usip.message import parse
from usip.sdp import Session

# Blocks of the heap: what is asked for is rounded up to 16 bytes on a 32-bit machine. Without a
# collection in between the number of bytes in use only grows.


def cost(f, *args):
    f(*args)  # what is made once
    gc.collect()
    gc.disable()
    before = gc.mem_alloc()
    f(*args)
    after = gc.mem_alloc()
    gc.enable()
    return after - before


def show(name, n):
    print(name, n)


paths = sys.argv[1:]
data = work.load(paths)
parsed = [cost(parse, d) for d in data]
for i in range(len(paths)):
    show("parse:" + paths[i].split("/")[-1][:-4], parsed[i])
show("parse", sum(parsed) // len(parsed))
show("parse_fields", sum([cost(work.fields, d) for d in data]) // len(data))
show("build_200", cost(work.Ok(data[0]).build))
show("digest_answer", cost(work.Digest(b"MD5").answer))

# A request that comes, is found no duplicate, answered and kept against one.
agent = work.agent()
options = (
    b"OPTIONS sip:620@192.0.2.1 SIP/2.0\r\n"
    b"Via: SIP/2.0/UDP 192.168.178.1:5060;branch=z9hG4bKF2A4C7D1E0B8394%d\r\n"
    b"From: <sip:pbx@192.168.178.1>;tag=7B3E9A1C55D%d\r\nTo: <sip:620@192.0.2.1>\r\n"
    b"Call-ID: 5F0C1B7A9D3E2846@192.168.178.1\r\nCSeq: 17 OPTIONS\r\nMax-Forwards: 70\r\n"
    b"User-Agent: Asterisk PBX 22.1.0\r\nContent-Length: 0\r\n\r\n"
)
two = [options % (i, i) for i in range(2)]
show("answer_options", cost(lambda: agent.receive(two.pop(), work.FLOW, 0)))

# A call that is placed: the INVITE is on its way.
agent = work.agent()
calls = Calls(agent, lambda call, flow: Session(flow.local[0], 16384))
show("call_placed", cost(lambda: calls.dial(b"sip:**9@192.168.178.1", 0)))

sound = work.Sound()
for _ in range(60):
    sound.packet()


def fifty():
    for _ in range(50):
        sound.packet()


def empty():
    for _ in range(50):
        pass


show("rtp_50", cost(fifty) - cost(empty))
