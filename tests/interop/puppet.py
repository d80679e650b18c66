# usip: the command-line phone, doing what lines of its standard input say, on both interpreters
# MIT licence; Copyright (c) 2026 the usip authors
#
#   puppet.py [phone.py's options] listen ...
#
#   call URI          call; what comes of it is told as by phone.py
#   hold, resume      the call in progress
#   hangup            it, or the one that is ringing
#   message URI TEXT  send a text
#   quit              unregister and end

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
                elif word == "quit":
                    break
                else:
                    self.tell("error", line, {"reason": "no such order: " + line})
        finally:
            answering.cancel()

    async def serve(self, call):
        self.call = call
        await super().serve(call)


phone.Program = Puppet  # which start() makes
sys.exit(phone.start(sys.argv[1:]))
