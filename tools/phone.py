# usip: the command-line phone. The same file runs on CPython and, through tools/run, on
# MicroPython's unix port and on boards that QEMU emulates.
# MIT licence; Copyright (c) 2026 the usip authors

import asyncio
import json
import sys

try:
    import usip_cpython as board
except ImportError:
    try:
        import usip_unix as board
    except ImportError:
        import usip_qemu as board

from usip.errors import ProtocolError, UsageError
from usip.header import host_port
from usip.phone import Phone
from usip.uri import Uri
from usip_host.sound import WavAudio

USAGE = """\
phone.py [OPTIONS] COMMAND

  register [--for S]                       stay registered, then unregister
  listen   [--answer-after S | --reject CODE | --ring | --auto-answer] [--play WAV] [--record WAV]
           [--hold-after S] [--hangup-after S] [--calls N] [--for S] [--say TONE|FILE]
  call URI [--ring-timeout S] [--play WAV] [--record WAV] [--dtmf DIGITS]
           [--dtmf-mode info|rtp|inband] [--hold-after S] [--hangup-after S] [--follow]
           [--say TONE|FILE]
  message URI TEXT
  options URI

  --json                   one JSON object a line instead of sentences
  --bind IP[:PORT]         own address
  --account sip:USER@HOST  who we are
  --auth-user U            user name for authentication where it is another
  --password P             register with this password
  --registrar sip:HOST[:PORT]
  --outbound sip:HOST:PORT;lr
  --expires S              lifetime of the registration
  --keepalive S            behind a NAT: from one keep-alive to the next (25)
  --codecs pcma,pcmu       in order of preference; g722: sound of 16 kHz
  --tones COUNTRY          de, us, uk or fr: hear ringback and busy
  --inband                 listen for digits in the sound, even where telephone-events were agreed
  --allow WHO              who may call and write: registrar, any, ADDR,... (registrar where
                           there is a password, else any)
  --users NAME:PASSWORD,...  or who answers our challenge with these
  --strangers 403          what others are told (nothing)
  --talk S                 the longest call; both sides are warned before
  --trace FILE.pcap        everything sent and received, for Wireshark; digits are hidden
  --trace-digits           they are not
  -v                       print the messages

Exit status: 0 done, 1 refused or failed, 2 usage."""

# command -> (names of its operands, its options)
COMMANDS = {
    "register": ((), ("--for",)),
    "listen": (
        (),
        (
            "--answer-after",
            "--reject",
            "--ring",
            "--auto-answer",
            "--play",
            "--record",
            "--hold-after",
            "--hangup-after",
            "--calls",
            "--for",
            "--say",
        ),
    ),
    "call": (
        ("URI",),
        (
            "--ring-timeout",
            "--play",
            "--record",
            "--dtmf",
            "--dtmf-mode",
            "--hold-after",
            "--hangup-after",
            "--follow",
            "--say",
        ),
    ),
    "message": (("URI", "TEXT"), ()),
    "options": (("URI",), ()),
}
COMMON = (
    "--json",
    "--bind",
    "--account",
    "--auth-user",
    "--password",
    "--registrar",
    "--outbound",
    "--expires",
    "--keepalive",
    "--codecs",
    "--tones",
    "--inband",
    "--allow",
    "--users",
    "--strangers",
    "--talk",
    "--trace",
    "--trace-digits",
    "-v",
    "--help",
)
FLAGS = ("--json", "-v", "--ring", "--help", "--follow", "--inband")
FLAGS += ("--auto-answer", "--trace-digits")
SECONDS = (
    "--expires",
    "--keepalive",
    "--for",
    "--answer-after",
    "--hold-after",
    "--hangup-after",
    "--ring-timeout",
    "--talk",
)
CODECS = {"pcma": 8, "pcmu": 0, "g722": 9}


def parse_args(argv):
    """(command, operands, options) of the command line; UsageError with one sentence."""
    options = {}
    words = []
    i = 0
    while i < len(argv):
        a = argv[i]
        i += 1
        if a[:1] != "-" or a == "-" or (words and words[0] == "message" and len(words) == 2):
            words.append(a)
            continue
        value = True
        if "=" in a and a[:2] == "--":
            a, value = a.split("=", 1)
        known = COMMON
        for c in COMMANDS:
            known = known + COMMANDS[c][1]
        if a not in known:
            raise UsageError("unknown option " + a)
        if a not in FLAGS and value is True:
            if i >= len(argv):
                raise UsageError(a + " wants a value")
            value = argv[i]
            i += 1
        if a in SECONDS:
            try:
                value = float(value)
            except ValueError:
                value = -1
            if not 0 <= value < 1e6:
                raise UsageError("%s wants seconds, not %s" % (a, argv[i - 1]))
        options[a] = value
    if "--help" in options:
        return "help", [], options
    if not words or words[0] not in COMMANDS:
        raise UsageError("which command? register, listen, call, message or options")
    command = words.pop(0)
    names, own = COMMANDS[command]
    if len(words) != len(names):
        raise UsageError("%s wants %s" % (command, " ".join(names) or "no operand"))
    for a in options:
        if a not in COMMON and a not in own:
            raise UsageError("%s is no option of %s" % (a, command))
    return command, words, options


def integer(options, name, least, most):
    value = options.get(name)
    if value is None:
        return None
    if not value.isdigit() or not least <= int(value) <= most:
        raise UsageError("%s wants a number from %d to %d" % (name, least, most))
    return int(value)


def users(text):
    """{name: password} of name:password,..."""
    found = {}
    for word in (text or "").split(","):
        name, colon, password = word.partition(":")
        if text and not (name and colon and password):
            raise UsageError("--users wants NAME:PASSWORD,...")
        if text:
            found[name] = password
    return found


_FIGURES = ("packets_sent", "packets_received", "packets_lost", "packets_late", "frames_concealed")
_FIGURES += (
    "packets_refused",
    "jitter_ms",
    "delay_ms",
    "rtt_ms",
    "remote_lost",
    "remote_jitter_ms",
)


class Program:
    """One run of the phone."""

    def __init__(self, command, words, options):
        self.command = command
        self.words = words
        self.get = options.get
        self.options = options
        self.json = "--json" in options
        self.status = 0
        self.registered = False
        self.refused = False
        self.ended = 0
        self.stop = None  # asyncio.Event; set: clean up and go
        bind = None
        if self.get("--bind"):
            try:
                host, port = host_port(self.get("--bind").encode())
            except ProtocolError:
                raise UsageError("not an address: " + self.get("--bind"))
            bind = (host.decode().strip("[]"), port)
        if bind is None or not bind[1]:
            bind = (bind and bind[0], 5060 if command == "listen" else 0)
        codecs = []
        for name in (self.get("--codecs") or "pcma,pcmu").lower().split(","):
            if name not in CODECS:
                raise UsageError("unknown codec %s: pcma, pcmu or g722" % name)
            codecs.append(CODECS[name])
        self.reject = integer(options, "--reject", 300, 699)
        self.calls = integer(options, "--calls", 1, 1000000)
        mode = self.get("--dtmf-mode")
        if mode not in (None, "info", "rtp", "inband"):
            raise UsageError("--dtmf-mode is info, rtp or inband")
        for c in self.get("--dtmf") or "":
            if c not in "0123456789*#ABCD":
                raise UsageError("not a digit: " + c)
        if self.get("--expires") is not None and self.get("--expires") < 1:
            raise UsageError("--expires wants at least a second")
        for name in ("--account", "--registrar", "--outbound"):
            self.check_uri(name, self.get(name))
        if self.words:
            word = self.words[0]
            self.check_uri("URI", word if ":" in word else "sip:%s@x" % word.split("@")[0])
        # G.722 has sound of 16 kHz, and so have the files then.
        rate = 16000 if 9 in codecs else 8000
        self.audio = WavAudio(self.get("--play"), self.get("--record"), rate=rate)
        self.pcap = None
        if self.get("--trace"):
            from usip_host.pcap import Pcap

            try:
                self.pcap = Pcap(self.get("--trace"), "--trace-digits" in options)
            except OSError as e:
                raise UsageError(
                    "cannot write %s: %s" % (self.get("--trace"), getattr(e, "strerror", None) or e)
                )
        account = self.get("--account")
        password = self.get("--password")
        if command == "register" and not account:
            raise UsageError("register wants --account")
        if account and password is None and command == "register":
            password = ""
        self.phone = Phone(
            account
            or "sip:usip@"
            + ((bind[0] or "localhost") if ":" not in (bind[0] or "") else "[" + bind[0] + "]"),
            password,
            net=board.net,
            audio=self.audio,
            user=self.get("--auth-user"),
            registrar=self.get("--registrar"),
            outbound=self.get("--outbound"),
            expires=int(self.get("--expires") or 3600),
            codecs=tuple(codecs),
            bind=bind,
            listener=self.heard,
            tones=self.get("--tones"),
            inband=True if self.get("--inband") else None,
            allow=self.get("--allow"),
            users=users(self.get("--users")),
            strangers=integer(options, "--strangers", 300, 699) or 0,
            auto_answer="--auto-answer" in options,
            talk_ms=int((self.get("--talk") or 0) * 1000),
        )
        self.phone.agent.trace = self.trace
        if self.get("--keepalive") and self.phone.registration:
            self.phone.registration.keepalive = max(int(self.get("--keepalive") * 1000), 100)

    def check_uri(self, name, text):
        if text is None:
            return
        try:
            if Uri(text.encode()).host:
                return
        except ProtocolError:
            pass
        raise UsageError("%s is no SIP URI: %s" % (name, text))

    # --- telling ---

    def trace(self, out, data, flow, now):
        self.phone.trace(out, data, flow, now)
        if self.pcap:
            self.pcap(out, data, flow, now)
        if self.get("-v") and flow.transport != b"RTP":
            text = "%s %s:%d\n" % (
                "--->" if out else "<---",
                flow.remote[0].decode(),
                flow.remote[1],
            )
            from usip_host.pcap import redact

            data = redact(bytes(data), digits="--trace-digits" in self.options)
            for line in data.split(b"\r\n"):
                text += "  " + plain(line) + "\n"
            print(text, file=sys.stderr)

    def tell(self, event, text, fields):
        if self.json:
            line = {"event": event}
            for k in fields:
                if fields[k] is not None:
                    line[k] = fields[k]
            text = json.dumps(line)
        print(text)
        if hasattr(sys.stdout, "flush"):
            sys.stdout.flush()

    def heard(self, event, subject, detail):
        f = {}
        text = event
        if event == "registered":
            self.registered = True
            f["expires"] = detail
            text = "registered for %d s" % detail
        elif event == "registration-failed":
            f["code"] = subject.status
            f["reason"] = detail
            text = "not registered: %d %s" % (subject.status, detail)
            if not self.registered:
                self.refused = True
        elif event in ("error", "message-sent", "options"):
            if event == "error":
                f["reason"] = str(detail)
                text = "error: %s" % detail
            else:
                f["code"] = detail
                f["reason"] = plain(subject.reason)
                text = "%s: %d %s" % (event, detail, f["reason"])
            if event == "options":
                return
        elif event == "message":
            f["from"] = plain(subject.get("from"))
            f["text"] = str(detail, "utf-8")
            text = "message from %s: %s" % (f["from"], plain(detail))
        elif hasattr(subject, "call_id"):
            if event == "media":
                return
            text = self.of_call(event, subject, detail, f)
        self.tell(event, text, f)

    def of_call(self, event, call, detail, f):
        f["call_id"] = plain(call.call_id)
        text = event
        if event == "incoming":
            f["from"] = plain(call.peer)
            f["to"] = plain(call.core.tx.request.get("to"))
            text = "call from " + f["from"]
        elif event == "dtmf":
            f["digit"] = plain(detail[0])
            f["via"] = detail[2]
            if detail[1]:
                f["duration_ms"] = detail[1]
            text = "digit %s (%s)" % (f["digit"], f["via"])
        elif event in ("trying", "ringing", "answered"):
            f["to" if not call.incoming else "from"] = plain(call.peer)
        elif event == "ended":
            f["code"] = call.code
            f["reason"] = call.reason
            s = call.stats
            for k in _FIGURES:
                f[k] = s.get(k)
            text = "ended: %d %s" % (call.code, call.reason)
            if s:
                text += ", packets sent %d, received %d, lost %d" % (
                    s["packets_sent"],
                    s["packets_received"],
                    s["packets_lost"],
                )
            self.ended += 1
        return text

    # --- doing ---

    async def run(self):
        self.stop = asyncio.Event()
        phone = self.phone
        try:
            await phone.start()
        except OSError as e:
            raise UsageError("cannot bind: %s" % (getattr(e, "strerror", None) or e))
        task = asyncio.create_task(getattr(self, "do_" + self.command)())
        try:
            if await self.ready():
                await task
            else:
                self.status = 1
                self.say_why()
        except asyncio.CancelledError:
            pass
        finally:
            task.cancel()
            await phone.close()
            self.audio.close()
            if self.pcap:
                self.pcap.close()

    async def leave(self):
        # After a KeyboardInterrupt, which may have struck in the task that reads or waits.
        if self.phone.driver.endpoint:
            self.phone.driver.serve()
        await self.phone.close()
        self.audio.close()
        if self.pcap:
            self.pcap.close()

    def say_why(self):
        if self.status and not self.json:
            print(self.phone.explain())

    async def ready(self):
        # Where there is an account the first registration has to succeed; after that its failures
        # are only told.
        if self.phone.registration:
            await self.phone.wait(lambda: self.registered or self.refused)
        return not self.refused

    async def limit(self, ready):
        # Until `ready` or the time of --for is over.
        s = self.get("--for")
        await self.phone.wait(ready, None if s is None else s * 1000)

    async def do_register(self):
        await self.ready()
        await self.limit(lambda: False)

    async def do_listen(self):
        if not await self.ready():
            return
        answering = asyncio.create_task(self.answering())
        try:
            await self.limit(lambda: self.calls is not None and self.ended >= self.calls)
        finally:
            answering.cancel()

    async def answering(self):
        while True:
            call = await self.phone.incoming()
            if call is None:
                return
            asyncio.create_task(self.serve(call))

    async def serve(self, call):
        if self.reject:
            call.reject(self.reject)
        elif self.get("--auto-answer"):
            if await call.answered():  # a stranger only rings
                await self.talk(call)
        elif not self.get("--ring"):
            if not await call.ended((self.get("--answer-after") or 0) * 1000):
                call.answer()
            if await call.answered():
                await self.talk(call)

    def source(self):
        say = self.get("--say")
        if "." not in say:
            return say  # the name of a tone
        from usip.media.prompt import Prompt

        return Prompt(say)

    async def talk(self, call):
        try:
            if self.get("--say"):
                await call.play(self.source())
        except UsageError as e:
            self.tell("error", "error: %s" % e, {"reason": str(e)})
            self.status = 1
        dtmf = self.get("--dtmf")
        if dtmf:
            await asyncio.sleep(0.5)  # until the other side has set up its media
            if not call.over:
                try:
                    await call.send_digits(dtmf, self.get("--dtmf-mode"))
                except UsageError as e:
                    self.tell("error", "error: %s" % e, {"reason": str(e)})
                    self.status = 1
        s = self.get("--hold-after")
        if s is not None and not await call.ended(s * 1000):
            call.hold()
        s = self.get("--hangup-after")
        if not await call.ended(None if s is None else s * 1000):
            call.hangup()
            await call.ended()

    async def do_call(self):
        if not await self.ready():
            return
        s = self.get("--ring-timeout")
        call = await self.phone.call(
            self.words[0],
            ring_ms=None if s is None else max(int(s * 1000), 1),
            follow=bool(self.get("--follow")),
        )
        if await call.answered():
            await self.talk(call)
        else:
            self.status = 1
            self.say_why()
            if self.phone.tones:
                await self.phone.wait(lambda: not self.phone.tones.playing, 5000)

    async def do_message(self):
        if await self.ready():
            code = await self.phone.message(self.words[0], self.words[1])
            self.failed(code)

    async def do_options(self):
        if await self.ready():
            code = await self.phone.options(self.words[0])
            self.tell("options", "options: %d" % code, {"code": code})
            self.failed(code)

    def failed(self, code):
        if not 200 <= code < 300:
            self.status = 1
            self.say_why()


def plain(b):
    """Bytes from the network as text for a terminal or JSON."""
    try:
        s = str(b, "utf-8")
    except UnicodeError:
        s = "".join([chr(c) if c < 128 else "?" for c in b])
    return "".join([c if ord(c) >= 32 and ord(c) != 127 else "?" for c in s])


async def main(program):
    task = asyncio.create_task(program.run())
    try:
        import signal

        for s in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(s, task.cancel)
    except ImportError:
        pass  # MicroPython: Ctrl-C comes as KeyboardInterrupt
    try:
        await task
    except asyncio.CancelledError:
        pass


def start(argv):
    try:
        command, words, options = parse_args(argv)
        if command == "help":
            print(USAGE)
            return 0
        program = Program(command, words, options)
    except UsageError as e:
        print("phone.py: %s" % e, file=sys.stderr)
        return 2
    try:
        asyncio.run(main(program))
    except KeyboardInterrupt:
        asyncio.run(program.leave())
    except UsageError as e:
        print("phone.py: %s" % e, file=sys.stderr)
        return 2
    return program.status


if __name__ == "__main__":
    sys.exit(start(sys.argv[1:]))
