# usip: the phone that applications use, on asyncio
# MIT licence; Copyright (c) 2026 the usip authors

import asyncio
import gc

from . import limits
from .agent import Agent
from .call import Call as Core
from .calls import Calls
from .clock import later, left
from .compose import bare
from .driver import Driver, now, ring
from .errors import ProtocolError
from .guard import Guard
from .phonecall import Call
from .pump import Pump
from .sdp import Session
from .uri import Uri
from .waits import Queue


def as_bytes(text):
    return text if isinstance(text, bytes) else text.encode()


def collect():
    """Look for garbage now, and from now on before there is much of it: MicroPython fills the whole
    heap first and so leaves long-lived objects all over it."""
    gc.collect()
    if hasattr(gc, "mem_free"):
        gc.threshold(max(gc.mem_free() // 8, 2048))


class Phone:
    """A SIP phone.

        phone = Phone("sip:door@fritz.box", password="secret", net=board.net, audio=board.audio)
        await phone.start()

    Without a password it does not register and calls directly. `user` is the authentication user
    where it differs from the address's, `registrar` and `outbound` are URIs, `bind` a (host, port),
    `codecs` payload types in order of preference (9, G.722, is loaded only where it is named),
    `trace` a trace hook, `listener(event, subject, detail)` hears everything that
    docs/architecture.md lists; for a call the subject is the Call.
    `tones` is a country (de, us, uk, fr): the caller hears ringback and busy as there. `inband`:
    whether DTMF is heard in the sound; None is where a peer has no telephone-events. `speech`
    keeps a loudspeaker out of its microphone: a HalfDuplex of media/duplex.py or a FullDuplex of
    media/echo.py.
    `allow`, `users`, `strangers` and `auto_answer` are the Policy's (policy.py): who may call and
    write, from outside of what we began. Where it registers that is the registrar, else anybody.
    `talk_ms` ends each call that long after its answer, with a warning before.
    `async with phone:` starts it and unregisters at the end."""

    def __init__(
        self,
        aor="sip:usip@localhost",
        password=None,
        *,
        net,
        audio=None,
        user=None,
        registrar=None,
        outbound=None,
        expires=limits.EXPIRES,
        codecs=(8, 0),
        bind=None,
        trace=None,
        listener=None,
        display="",
        tones=None,
        inband=None,
        speech=None,
        allow=None,
        users=None,
        strangers=0,
        auto_answer=False,
        talk_ms=None,
    ):
        # What lives as long as the phone is made now, the biggest first, in a heap without holes.
        collect()
        self.net = net
        self.driver = Driver(net, bind)
        self.driver.fault = self.fault
        self.codecs = codecs
        self.pumps = []
        self.pumps.append(self.pump())
        if getattr(audio, "rate", 8000) == 16000:
            from .media.wide import Wide

            audio = Wide(audio)
        self.audio = audio
        self.listener = listener
        self.closed = False
        self.agent = agent = Agent(self.driver, self._event, as_bytes(aor), as_bytes(display))
        if trace is None:
            from .trace import Trace

            trace = Trace()
        self.trace = agent.trace = trace
        agent.note = getattr(trace, "note", None)
        agent.guard = Guard(agent)
        self.calls = Calls(agent, self._session)
        if allow is None:
            allow = "any" if password is None else "registrar"
        if allow != "any" or users or auto_answer:
            from .policy import Policy

            agent.policy = Policy(agent, allow, users, strangers, auto_answer)
        self.talk_ms = talk_ms
        self.registration = None
        self._incoming = Queue(self)
        self._texts = Queue(self)
        self._news = None  # made by start(), see Driver
        self.inband = inband
        self.speech = speech
        self.country = tones or "de"
        self.tones = None
        if tones:
            from .callertones import CallerTones
            from .media.tones import cadence

            cadence("ringback", tones)  # UsageError: no such country
            self.tones = CallerTones(self)
        if outbound:
            outbound = as_bytes(outbound)
            agent.routes.append(b"<" + outbound + b">")
        if password is not None:
            self._account(user, as_bytes(password), registrar, outbound, expires)

    def _account(self, user, password, registrar, outbound, expires):
        from .digest import Credentials
        from .registration import Registration

        agent = self.agent
        agent.credentials = Credentials(as_bytes(user) if user else agent.uri.user or b"", password)
        if registrar:
            registrar = as_bytes(registrar)
        else:
            u = Uri(agent.uri.text(True))
            u.user = u.password = None
            registrar = u.text()
        agent.home = Uri(registrar)
        self.registration = Registration(agent, registrar, expires)
        self.registration.outbound = list(agent.routes)

    # --- life ---

    async def start(self):
        """Bind, and register where there is an account. Returns at once; see `registered`. OSError:
        the port is taken.
        """
        agent = self.agent
        names = self.driver.names
        for u in (agent.home, Uri(agent.routes[0][1:-1]) if agent.routes else None):
            if u and bare(u.host) not in names.homes:
                names.homes.append(bare(u.host))
        self._news = asyncio.Event()
        collect()
        self.driver.start(agent)  # first: it says of which family an address has to be
        await names.again()
        if len(agent.methods) < 4:
            from .pager import Pager

            Pager(agent)
        if self.registration:
            self.registration.start(now())

    def reregister(self):
        """Register now: the network came back, or the address changed."""
        self._register()
        self._ask()

    def _ask(self):
        # Where the registrar is may have changed. No call is kept waiting for that.
        if not self.calls.active():
            self.driver.names.ask(self._register, now())

    def _register(self):
        if self.closed:
            return
        self.driver.moved()
        if self.registration:
            self.registration.start(now())
        self.calls.moved(now())
        self.driver.kick()

    async def close(self):
        """Hang up, unregister, let go of everything. Ends every wait."""
        if self.closed:
            return
        r = self.registration
        self.calls.refuse = 480
        for c in self.calls.active():
            c.hangup(now())
        if r:
            r.stop(now())
        self.driver.kick()
        # The answers to BYE and to the last REGISTER are worth two seconds.
        try:
            await self.wait(lambda: not self.calls.active() and (not r or r.state == b"N"), 2000)
        finally:  # cancelled or not
            self.driver.close()
            for c in self.calls.active():
                c.abandon(now())
            if self.tones:
                self.tones.stop()
            self.closed = True
            self._tell()

    async def __aenter__(self):
        await self.start()
        return self

    async def __aexit__(self, *exc):
        await self.close()

    async def wait(self, ready, timeout_ms=None):
        """Wait until `ready()` is true; False when `timeout_ms` (limits.WAIT_MAX at most) passed
        before or the phone was closed.
        """
        if ready():
            return True
        alarm = None
        if timeout_ms is not None:
            timeout_ms = min(int(timeout_ms), limits.WAIT_MAX)
            end = later(now(), timeout_ms)
            alarm = asyncio.create_task(ring(timeout_ms, self._tell))
        try:
            while not ready():
                if self.closed or alarm and left(end, now()) <= 0:
                    return False
                await self._news.wait()
            return True
        finally:
            if alarm:
                alarm.cancel()

    def _tell(self):
        # Wakes every wait; each looks for itself whether it is meant.
        if self._news:
            self._news.set()
            self._news.clear()

    async def registered(self, timeout_ms=None):
        """Wait until the phone is registered; False when `timeout_ms` passed before."""
        return await self.wait(
            lambda: self.registration and self.registration.state == b"A", timeout_ms
        )

    def explain(self):
        """The last failure in plain words."""
        text = self.trace.explain() if hasattr(self.trace, "explain") else ""
        policy = self.agent.policy
        if policy and policy.last:
            method, remote = policy.last
            text += "; %s from %s:%d was not let in (allow)" % (
                str(method, "utf-8"),
                str(remote[0], "utf-8"),
                remote[1],
            )
        return text

    # --- calls ---

    def address(self, to):
        """`to` as a SIP URI (bytes): `**9` and `621` are numbers at our own domain."""
        to = as_bytes(to)
        if b":" not in to:
            host = self.agent.uri.host
            to = b"sip:" + to + (b"" if b"@" in to else b"@" + host)
        return to

    async def call(self, to, ring_ms=None, follow=False, late=False):
        """Call `to`. Returns the Call at once; `await call.answered()` tells how it went. `follow`:
        go where a 302 points.
        """
        if hasattr(gc, "mem_free"):
            gc.collect()  # what a call needs then lies together, not in the holes of the last one
        uri = self.address(to)
        await self._prepare(uri)
        core = self.calls.dial(uri, now(), ring_ms=ring_ms, follow=follow, late=late)
        self.driver.kick()
        return self._face(core)

    async def _prepare(self, uri):
        try:
            u = Uri(uri)
        except ProtocolError:
            return  # said by what comes next
        agent = self.agent
        if agent.home and u.host.lower() == agent.uri.host.lower():
            u = agent.home
        if u.host and not agent.routes:
            await self.driver.names.prepare(bare(u.host))

    async def incoming(self, timeout_ms=None):
        """The next incoming Call, None when none came in time or the phone was closed."""
        return await self._incoming.get(timeout_ms)

    def pump(self):
        """A Pump for a call, which gives it back to `pumps`."""
        return self.pumps.pop() if self.pumps else Pump(self.net, 9 in self.codecs)

    def _face(self, core):
        if core.data is None:
            core.data = Call(self, core)
        return core.data

    def _session(self, core, flow):
        # Our end of a new call's media.

        call = self._face(core)
        bound = self.driver.bind[0]
        try:
            port = call.open(bound, flow.local[0])
        except OSError:
            raise ProtocolError(503, "no socket for the sound")
        session = Session(flow.local[0], port, self.codecs)
        session.hush = call.hush
        return session

    # --- messages ---

    async def message(self, to, text, follow=False):
        """Send a text. `follow`: go where a 302 points. Returns the final status (200-699; 408 no
        answer, 503 unreachable).
        """
        from .pager import send

        uri = self.address(to)
        await self._prepare(uri)
        return await self._single(send(self.agent, uri, as_bytes(text), now(), follow))

    async def options(self, to):
        """Ask for capabilities. Returns the final status."""
        from .pager import ping

        uri = self.address(to)
        await self._prepare(uri)
        return await self._single(ping(self.agent, uri, now()))

    async def _single(self, single):
        self.driver.kick()
        # Longer than its transactions last, whatever becomes of them.
        await self.wait(lambda: single.status, 4 * limits.TIMEOUT)
        return single.status or 408

    async def next_message(self, timeout_ms=None):
        """The next text that came: (from: name-addr as bytes, text: str), None when none came in
        time.
        """
        return await self._texts.get(timeout_ms)

    # --- what the core tells ---

    def _event(self, event, subject, detail):
        try:
            self._hear(event, subject, detail)
        finally:
            self._tell()

    def _hear(self, event, subject, detail):
        if isinstance(subject, Core):
            if event in ("dropped", "proven"):  # of no concern to the application
                if subject.data:
                    subject.data.event(event)
                return
            subject = self._face(subject)
            if event == "ended":
                self._incoming.remove(subject)
            if event == "dtmf":
                if not subject.heard(*detail):
                    return
            else:
                subject.event(event)
            if event == "incoming":
                self._incoming.put(subject)
        elif event == "registration-failed":
            if subject.failures > 2 or not subject.request.flow:  # or its name is unknown
                self._ask()
        elif event == "message":
            self._texts.put((subject.get("from"), str(detail, "utf-8")))
        self.tell(event, subject, detail)
        if event == "incoming" and self.agent.policy and self.agent.policy.auto(subject.core):
            subject.answer_alone()

    def tell(self, event, subject, detail=None):
        """Let the listener hear, and every wait look again."""
        try:
            if self.listener:
                self.listener(event, subject, detail)
        except Exception as e:  # the application's: no call is left half set up for it
            if event != "error":
                self.fault(e)
        self._tell()

    def fault(self, e):
        """Something raised that must not: the listener hears `error`."""
        self._event("error", e, "internal error: %r" % e)
