# usip: the command-line phone, doing what lines of its standard input say, on both interpreters
# MIT licence; Copyright (c) 2026 the usip authors
#
#   puppet.py [phone.py's options] listen ...
#
#   call URI          call; what comes of it is told as by phone.py
#   hold, resume      the call in progress
#   hangup            it, or the one that is ringing
#   message URI TEXT  send a text
#   reregister        the network came back, as a board's says
#   look              tell what the tables hold, what is left of the heap, how the call goes
#   quit              unregister and end

import gc
import sys

import phone
from usip_host.lines import lines


class Puppet(phone.Program):
    call = None

    async def do_listen(self):
        if not await self.ready():
            return
        answering = phone.asyncio.create_task(self.answering())
        try:
            async for line in lines(sys.stdin):
                word, _, rest = line.partition(" ")
                if word == "call":
                    self.call = await self.phone.call(rest)
                elif word in ("hold", "resume"):
                    self.call.hold(word == "hold")
                elif word == "hangup":
                    self.call.hangup()
                elif word == "message":
                    await self.phone.message(*rest.split(" ", 1))
                elif word == "reregister":
                    self.phone.reregister()
                elif word == "look":
                    self.look()
                elif word == "quit":
                    break
                else:
                    self.tell("error", line, {"reason": "no such order: " + line})
        finally:
            answering.cancel()

    def look(self):
        agent = self.phone.agent
        gc.collect()
        f = {
            "transactions": len(agent.transactions),
            "dialogs": len(agent.dialogs),
            "calls": len(self.phone.calls.active()),
            "flows": len(self.phone.driver._flows),
            "hosts": len(agent.guard.hosts),
            "refused": agent.guard.refused,
            "held": agent.guard.held,
        }
        if hasattr(gc, "mem_free"):
            f["free"] = gc.mem_free()
        else:
            f["blocks"] = sys.getallocatedblocks()
        for core in self.phone.calls.active():
            if core.state == b"E":
                f.update(core.data.stats)
                f["port"] = core.data.endpoint.port
        self.tell("look", "look", f)

    async def serve(self, call):
        self.call = call
        await super().serve(call)


phone.Program = Puppet  # which start() makes
sys.exit(phone.start(sys.argv[1:]))
