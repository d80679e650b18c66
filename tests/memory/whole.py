# A whole phone whose memory runs out: sockets, sound, tasks. Its own event loop on the virtual
# clock, and everybody else on the other end of a street.
#
# USAGE: whole.py EVERY KEEP-GOING [SCENARIO...]

import asyncio
import gc
import sys

import scarce
from street import Street, sleep_ms

import quick
from usip import Phone, UsageError

MICROPYTHON = hasattr(gc, "mem_free")
SETTLE = 900_000  # a failed registration may wait for 5 minutes
LOW = 3000  # ms without memory, on MicroPython; elsewhere it is one allocation that fails
TEXT = b"Content-Type: text/plain\r\n"


class Audio:
    started = 0

    def start(self):
        self.started += 1

    def stop(self):
        self.started -= 1

    def readinto(self, pcm):
        pass

    def write(self, pcm):
        pass


class House:
    """The phone, its application, and the street."""

    async def start(self):
        self.street = s = Street()
        self.audio = Audio()
        self.typed = ""
        self.texts = 0
        self.errors = 0
        self.phone = Phone(
            "sip:door@192.0.2.9", "ding", net=s, bind=("192.0.2.1", 5060), audio=self.audio,
            trace=False, listener=self.hear, tones="de",
        )  # fmt: skip
        await self.phone.start()
        assert await self.phone.registered(5000)
        self.tasks = [asyncio.create_task(x) for x in (self.door(), self.read(), s.live())]
        for x in SCENARIOS:  # what is loaded when it is needed is loaded, and Pumps are made
            await self.scenario(x)
        await self.settle()
        self.check()
        self.drivers = list(self.phone.driver.tasks)

    async def end(self):
        for t in self.tasks:
            t.cancel()
        try:
            await self.phone.close()
        except Exception as e:
            print("close:", repr(e))

    def hear(self, event, subject, detail):
        if event == "error":
            self.errors += 1

    # --- the application: what it has no memory for it does again ---

    async def door(self):
        while True:
            try:
                call = await self.phone.incoming()
                async with call:
                    call.answer()
                    if await call.answered():
                        async for digit in call.digits():
                            self.typed += digit
            except MemoryError:
                await sleep_ms(100)

    async def read(self):
        while True:
            try:
                await self.phone.next_message()
                self.texts += 1
            except MemoryError:
                await sleep_ms(100)

    # --- scenarios ---

    async def scenario(self, name):
        try:
            await getattr(self, "s_" + name)()
        except (MemoryError, UsageError):
            return False
        return True

    async def s_called(self):
        s = self.street
        await s.call(2)
        await s.talk(60)
        await s.press(b"5")
        await s.ask(b"BYE", b"", b"", True, 3)

    async def s_cancelled(self):
        s = self.street
        s.n += 1
        s.tag = b""
        self.refuse = True
        data = s.request(b"INVITE", b"Contact: <sip:f@192.0.2.9>\r\n")
        s.put(data)
        await sleep_ms(20)
        s.put(
            s.request(b"CANCEL", b"", s.cseq).replace(
                b"branch=z9hG4bKCANCEL", b"branch=z9hG4bKINVITE"
            )
        )
        await sleep_ms(1000)
        # Answered meanwhile: then it is hung up.
        await s.ask(b"BYE", b"", b"", True, 2)

    async def s_calls(self):
        async with await self.phone.call("sip:f@192.0.2.9", ring_ms=20_000) as call:
            if await call.answered():
                await self.street.talk(60)
                await call.send_digits("7", mode="info")
                await call.send_digits("8", mode="rtp", duration_ms=60)

    async def s_refused(self):
        self.street.how = 486
        try:
            async with await self.phone.call("sip:f@192.0.2.9") as call:
                await call.answered()
        finally:
            self.street.how = 200

    async def s_rings(self):
        self.street.how = 180
        try:
            async with await self.phone.call("sip:f@192.0.2.9", ring_ms=1500) as call:
                await call.answered()
        finally:
            self.street.how = 200

    async def s_held(self):
        async with await self.phone.call("sip:f@192.0.2.9") as call:
            if await call.answered():
                call.hold()
                await sleep_ms(500)
                call.hold(False)
                await sleep_ms(500)

    async def s_writes(self):
        await self.phone.message("sip:f@192.0.2.9", "Somebody is at the door")

    async def s_written(self):
        await self.street.out_of_dialog(b"MESSAGE", TEXT, b"Come in", 3)

    async def s_asked(self):
        await self.street.out_of_dialog(b"OPTIONS", b"", b"", 3)
        await self.phone.options("sip:f@192.0.2.9")

    async def s_registers(self):
        self.phone.reregister()
        await sleep_ms(1500)

    # --- afterwards ---

    def idle(self):
        phone = self.phone
        agent = phone.agent
        return (
            not agent.transactions
            and not agent.dialogs
            and not phone.calls.active()
            and phone.registration.state == b"A"
            and not phone.tones.playing
        )

    async def settle(self):
        for _ in range(SETTLE // 2000):
            await sleep_ms(2000)
            if self.idle():
                return

    def check(self):
        phone = self.phone
        agent = phone.agent
        tx = [(t.method, t.state, t.client) for t in agent.transactions]
        assert not tx, tx
        assert not agent.dialogs and len(agent.parts) == 1, agent.parts
        assert phone.registration.state == b"A", phone.registration.state
        ports = [e.port for e in self.street.open]
        assert ports == [5060], ports
        assert not self.audio.started, "sound is on %d times" % self.audio.started
        assert 1 <= len(phone.pumps) <= 2 and not any([p._task for p in phone.pumps])
        assert not phone._incoming.items
        for t in phone.driver.tasks + self.tasks:
            assert not t.done(), "a task has died"

    async def again(self):
        s = self.street
        s.again = s.invite = b""
        self.typed = ""
        self.texts = 0
        assert await s.call() == 200, "the next call: %d" % s.status
        await s.talk(60)
        assert await s.press(b"5") == 200
        assert await s.ask(b"BYE") == 200
        assert self.typed == "5", "the digit: " + self.typed
        s.digits = b""
        call = await self.phone.call("sip:f@192.0.2.9")
        good = await call.answered()
        assert good, call.reason
        await call.send_digits("7", mode="info")
        call.hangup()
        assert s.digits == b"7", s.digits
        assert await call.ended(3000)
        code = await s.out_of_dialog(b"MESSAGE", TEXT, b"Here?")
        await sleep_ms(200)
        assert code == 200 and self.texts == 1, (code, self.texts)
        await self.settle()
        self.check()

    async def tried(self, name, n):
        """One scenario with one failure; whether memory ran out."""
        self.errors = 0
        if MICROPYTHON:
            scarce._fill(n * scarce.UNIT)
            task = None
            try:
                task = asyncio.create_task(self.scenario(name))
            except MemoryError:
                pass
            await asyncio.sleep_ms(LOW)
            scarce._empty()
        else:
            task = None
            with scarce.hook(n) as failed:
                await self.scenario(name)
            self.where = failed[1]
        if task:
            for _ in range(3000):  # longer than a call may ring, and a CANCEL take
                if task.done():
                    break
                await sleep_ms(100)
            assert task.done(), "the application waits for ever"
        await self.settle()
        self.check()
        await self.again()
        return self.errors if MICROPYTHON else failed[1]

    async def need(self, name):
        if not MICROPYTHON:
            with scarce.hook(1 << 30) as left:
                await self.scenario(name)
            n = (1 << 30) - left[0]
        else:
            gc.collect()
            gc.disable()
            before = gc.mem_alloc()
            await self.scenario(name)
            n = (gc.mem_alloc() - before) // scarce.UNIT
            gc.enable()
        await self.settle()
        return n


SCENARIOS = [x[2:] for x in sorted(dir(House)) if x[:2] == "s_"]


async def main(args):
    every, keep = int(args[0]), int(args[1])
    house = None
    total = bad = 0
    for name in args[2:] or SCENARIOS:
        house = None
        points = failures = faults = n = 0
        most = 1
        while n <= most:
            if not house:
                house = House()
                await house.start()
                most = await house.need(name)
            points += 1
            try:
                failures += bool(await house.tried(name, n))
            except Exception as e:
                faults += 1
                where = getattr(house, "where", "")
                print("FAULT %s %d of %d: %r %s" % (name, n, most, e, where))
                if faults == 1 and hasattr(sys, "print_exception"):
                    sys.print_exception(e)
                if faults > keep:
                    if hasattr(sys, "print_exception"):
                        sys.print_exception(e)
                    raise
                try:
                    await house.end()
                except Exception as e:
                    print("end:", repr(e))
                house = None
            n += every
        if house:
            await house.end()
        total += points
        bad += faults
        print(
            "%-12s %6d points, something was told at %6d, %d faults"
            % (name, points, failures, faults)
        )
    print("in all %d points, %d faults" % (total, bad))
    return bad


if __name__ == "__main__":
    quick.install(0x3FFFFFFF - 60_000)
    sys.exit(1 if quick.run(main(sys.argv[1:])) else 0)
