"""What the interop tests drive: phones, SIPp and Kamailio, and tshark over what they said.

Every program has a loopback address of its own and runs under coreutils' timeout, so that nothing
is left when a test run is killed. Nothing sleeps: tests wait for events, for a bound socket or for
the end of a program.
"""

import array
import functools
import json
import operator
import os
import random
import re
import shutil
import signal
import socket
import subprocess
import threading
import time
import wave
from pathlib import Path

import pytest
import scenario as scenarios

import runner
from peers import asterisk

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
BUILD = ROOT / "build" / "interop"
PHONE = ROOT / "tools" / "phone.py"
DOORBELL = ROOT / "examples" / "doorbell.py"
HEAP = {"unix32": "256k"}  # phone.py with its pcap; what a board needs is measured elsewhere
LIMIT_S = 60  # no program lives longer
WAIT_S = 10  # no event is later


def missing(text):
    """In CI what is missing is a failure; elsewhere it is said."""
    if os.environ.get("CI"):
        pytest.fail(text, pytrace=False)
    pytest.skip(text)


@functools.cache
def program(name):
    """The path of a peer."""
    found = shutil.which(name) or shutil.which(name, path="/usr/sbin:/usr/local/sbin")
    return found or missing(f"{name} is not on this machine (tools/setup interop)")


@functools.cache
def version(name):
    """`Name 1.2.3` for the table of results."""
    if name == "asterisk":
        return f"{name} {asterisk.ensure().version()}" if asterisk.stamp().exists() else name
    found = shutil.which(name) or shutil.which(name, path="/usr/sbin:/usr/local/sbin")
    if not found:
        return name
    ask = "-h" if name == "baresip" else "-v"  # whose -v starts it
    done = subprocess.run([found, ask], capture_output=True, text=True, timeout=20)
    said = done.stdout + done.stderr
    number = re.search(r"\d+\.\d+[.\d]*", said)
    return f"{name} {number.group()}" if number else name


class Addresses:
    """Loopback addresses that no other test run on this machine has: 127.77.N.2 to 254.

    A socket bound to 127.77.N.1 holds N for as long as this process lives. No address is given out
    twice within two hundred, so that nothing late from one test reaches the next.
    """

    enter = ()  # what starts a program there; another place has more to do (netpair.py)

    def __init__(self):
        for n in range(1, 255):
            self._lock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            try:
                self._lock.bind((f"127.77.{n}.1", 9))
                break
            except OSError:
                self._lock.close()
        else:
            raise RuntimeError("no free loopback network")
        self._net = f"127.77.{n}."
        self._ports = range(20000 + 40 * n, 20040 + 40 * n, 10)
        self._last = 1

    def take(self):
        self._last = self._last + 1 if self._last < 254 else 2
        return self._net + str(self._last)

    def port(self):
        """A port that no other test run has, nor the nine after it: there is only one [::1]."""
        self._ports = [*self._ports[1:], self._ports[0]]
        return self._ports[0]


@functools.cache
def addresses():
    return Addresses()


def bound(ip, port=5060, pid="self"):
    """Whether a UDP socket is bound there, on the network of that process. Looks at the kernel's
    table and sends nothing.
    """
    six = ":" in ip
    words = array.array("I", socket.inet_pton(socket.AF_INET6 if six else socket.AF_INET, ip))
    want = " %s:%04X " % ("".join("%08X" % word for word in words), port)
    try:
        return want in Path(f"/proc/{pid}/net/udp{'6' * six}").read_text()
    except OSError:  # it has ended
        return False


def literal(ip):
    """An address as URIs have it."""
    return f"[{ip}]" if ":" in ip else ip


def until(ready, what, seconds=WAIT_S):
    """Look until `ready()` is true, and return that."""
    end = time.monotonic() + seconds
    while True:
        value = ready()
        if value:
            return value
        assert time.monotonic() < end, f"{what}: not within {seconds} s"
        time.sleep(0.01)  # between two looks; nothing depends on how long


class Program:
    """A program that ends: by itself, by its pid, or when its time is over. `at` is where it has
    its address.
    """

    port = 5060

    def __init__(
        self,
        argv,
        folder,
        name,
        env=None,
        limit=LIMIT_S,
        stdout=None,
        stdin=subprocess.DEVNULL,
        at=None,
    ):
        self.name = name
        self.folder = folder
        self.errors = folder / f"{name}.stderr"
        # --foreground: the signals sent here reach the program once and not twice.
        argv = ["timeout", "--foreground", "-k", "3", str(limit), *map(str, argv)]
        argv = [*(at or addresses()).enter, *argv]
        with open(self.errors, "wb") as errors:
            self.process = subprocess.Popen(
                argv,
                env=env,
                stdin=stdin,
                stdout=stdout or errors,
                stderr=errors,
                cwd=folder,
            )

    @property
    def running(self):
        return self.process.poll() is None

    def bound(self):
        return bound(self.ip, self.port, self.process.pid)

    def said(self):
        return self.errors.read_text(errors="replace")

    def signal(self, number=signal.SIGTERM):
        if self.running:
            self.process.send_signal(number)

    def join(self, seconds):
        """Its exit status; a program that does not end in time is a failure."""
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"{self.name} did not end within {seconds} s\n{self.tell()}")

    def kill(self):
        """End it, whatever it is doing."""
        if self.running:
            self.process.terminate()
            try:
                self.process.wait(6)  # by then timeout has killed it
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait(3)

    def vanish(self):
        """End it as a power cut does. What was started is timeout(1), and the program its child."""
        pid = self.process.pid
        for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
            os.kill(int(child), signal.SIGKILL)
        self.join(5)

    def tell(self):
        """What there is to say when a test fails."""
        return f"--- {self.name}:\n{self.said()[-3000:]}"


class Teller(Program):
    """A program of which events are waited for; each is a dict with its time as "at"."""

    def __init__(self, argv, folder, name, env=None, **how):
        self.events = []
        self._seen = 0
        self._news = threading.Condition()
        self._over = False
        super().__init__(argv, folder, name, env, **how)

    def _listen(self, lines):
        """Take what is said from here on out of `lines`."""
        self._reader = threading.Thread(target=self._read, args=(lines,), daemon=True)
        self._reader.start()

    def _event(self, line):
        """An event as a dict out of a line of output."""
        return {"event": line.decode(errors="replace").strip()}

    def _read(self, lines):
        for line in lines:
            event = self._event(line)
            event["at"] = time.monotonic()
            with self._news:
                self.events.append(event)
                self._news.notify_all()
        with self._news:
            self._over = True
            self._news.notify_all()

    def _is(self, event, name):
        return event["event"] == name

    def wait(self, event, seconds=WAIT_S, **fields):
        """The next event of that name, after the one that wait() gave last, with these fields."""
        end = time.monotonic() + seconds
        with self._news:
            while True:
                while self._seen < len(self.events):
                    e = self.events[self._seen]
                    self._seen += 1
                    if self._is(e, event) and all(e.get(k) == v for k, v in fields.items()):
                        return e
                left = end - time.monotonic()
                if self._over or left <= 0:
                    how = "ended" if self._over else f"{seconds} s passed"
                    raise AssertionError(
                        f"{self.name}: {how} without {event} {fields or ''}\n{self.tell()}"
                    )
                self._news.wait(left)

    def all(self, event):
        return [e for e in self.events if e["event"] == event]

    def names(self):
        return [e["event"] for e in self.events]

    def tell(self):
        lines = [json.dumps({**e, "at": round(e["at"], 3)}) for e in self.events]
        return f"{super().tell()}\nevents:\n" + "\n".join(lines)


class Speaker(Teller):
    """A program of ours on a runtime: `events` is what it said."""

    def __init__(self, folder, name, runtime, file, args, stdin=subprocess.DEVNULL, at=None, **how):
        self.runtime = runtime
        try:
            argv, env = runner.command(runtime, file, args, **how)
        except runner.RunError as error:
            if "mpy-cross:" in str(error):
                raise  # a source that does not compile is not a missing runtime
            missing(str(error))
        super().__init__(argv, folder, name, env, stdout=subprocess.PIPE, stdin=stdin, at=at)
        self._listen(self.process.stdout)

    def finish(self, status=0, seconds=WAIT_S):
        """Wait for its end by itself: with this status, and without a word of trouble."""
        code = self.join(seconds)
        self._reader.join(5)
        said = self.said()
        assert code == status, f"{self.name}: exit status {code}, not {status}\n{self.tell()}"
        assert "Traceback" not in said, self.tell()
        assert not self.all("error") and not self.all("not JSON"), self.tell()

    def tell(self):
        return f"on {self.runtime}: {super().tell()}"


class Phone(Speaker):
    """tools/phone.py --json."""

    def __init__(self, folder, name, runtime, *args, ip=None, port=5060, heap=None, at=None):
        self.ip = ip or (at or addresses()).take()
        self.port = port
        self.pcap = folder / f"{name}.pcap"
        args = ["--json", "--bind", f"{literal(self.ip)}:{port}", "--trace", self.pcap, *args]
        heap = heap or HEAP.get(runtime)
        super().__init__(folder, name, runtime, PHONE, args, heap=heap, at=at)

    def _event(self, line):
        try:
            return json.loads(line)
        except ValueError:
            return {"event": "not JSON", "line": line.decode(errors="replace")}

    def ready(self):
        """Wait until it can be called."""
        until(lambda: self.bound() or not self.running, f"{self.name} binds")
        assert self.running, self.tell()
        return self

    def digits(self, via=None):
        return "".join(e["digit"] for e in self.all("dtmf") if via in (None, e["via"]))

    def stop(self, status=0):
        """Ctrl-C, and a clean end."""
        self.signal(signal.SIGINT)
        self.finish(status)


class Doorbell(Speaker):
    """examples/doorbell.py in the heap of a board, with usip in its firmware."""

    def __init__(self, folder, name, heap, proxy, rings, played, recorded):
        self.ip = addresses().take()
        args = [f"sip:{name}@{proxy.ip}", f"{name}-secret", f"sip:{rings}@{proxy.ip}", "42"]
        args += [self.ip, played, recorded]
        how = {"heap": heap, "frozen": True}
        super().__init__(folder, name, "unix32", DOORBELL, args, stdin=subprocess.PIPE, **how)

    def _is(self, event, name):
        return event["event"].startswith(name)

    def do(self, line):
        self.process.stdin.write(line.encode() + b"\n")
        self.process.stdin.flush()


class Said:
    """One message out of SIPp's log."""

    def __init__(self, sent, text):
        self.sent = sent
        self.text = text
        self.head, _, self.body = text.partition("\n\n")
        self.start = self.head.split("\n")[0]

    def all(self, name):
        return re.findall(rf"(?mi)^{name}[ \t]*:[ \t]*(.*)$", self.head)

    def get(self, name):
        values = self.all(name)
        return values[0] if values else ""


class Sipp(Program):
    """SIPp with tests/interop/sipp/SCENARIO.xml and the values for it, see scenario.py.

    `to` is the address of the phone that it calls; without it SIPp waits to be called.
    """

    def __init__(
        self,
        folder,
        name,
        scenario,
        to=None,
        ip=None,
        port=5060,
        calls=1,
        echo=False,
        at=None,
        **values,
    ):
        self.ip = ip or (at or addresses()).take()
        self.port = port
        self.log = folder / f"{name}.messages"
        file = folder / f"{name}.xml"
        file.write_text(scenarios.scenario(scenario, **values))
        self._error = folder / f"{name}.errors"
        argv = [program("sipp"), *([to if "]:" in to else f"{to}:5060"] if to else [])]
        argv += ["-sf", file, "-i", self.ip, "-p", port, "-bind_local", "-ci", self.ip]
        argv += ["-mi", self.ip, "-mp", 6000 if port == 5060 else port + 2, "-m", calls]
        argv += ["-timeout", "20", "-timeout_error", "-nostdin"]
        argv += ["-trace_msg", "-message_file", self.log, "-trace_err", "-error_file", self._error]
        if echo:
            argv.append("-rtp_echo")
        env = {**os.environ, "TERM": "dumb"}
        super().__init__(argv, folder, name, env, limit=30, at=at)
        if not to:
            until(lambda: self.bound() or not self.running, f"{name} binds")
            assert self.running, self.tell()

    @property
    def uri(self):
        port = "" if self.port == 5060 else f":{self.port}"
        return f"sip:sipp@{literal(self.ip)}{port}"

    def finish(self, seconds=WAIT_S):
        """Wait until the scenario is through, as it was written."""
        code = self.join(seconds)
        errors = self._errors()
        assert code == 0, f"{self.name}: exit status {code}\n{self.tell()}"
        # SIPp counts a message that it did not expect but could do without as no failure.
        assert "nexpected" not in errors and "abort" not in errors.lower(), self.tell()

    def _errors(self):
        return self._error.read_text(errors="replace") if self._error.exists() else ""

    def messages(self):
        """Everything sent and received, in order."""
        text = self.log.read_bytes().decode(errors="replace").replace("\r", "")
        found = []
        for part in re.split(r"(?m)-{20,} \d{4}-\d\d-\d\d.*\n", text)[1:]:
            first, _, message = part.partition("\n\n")
            found.append(Said(" sent " in first, message))
        return found

    def received(self, start=""):
        """What the phone sent, of which the first line begins so."""
        return [m for m in self.messages() if not m.sent and m.start.startswith(start)]

    def tell(self):
        log = self.log.read_text(errors="replace") if self.log.exists() else "no message"
        return f"--- {self.name}:\n{self._errors()}\n{log[-6000:]}"


class Kamailio(Program):
    """Kamailio with tests/interop/kamailio/kamailio.cfg and these defines."""

    def __init__(self, folder, name="kamailio", ip=None, at=None, **defines):
        self.ip = ip or (at or addresses()).take()
        run = folder / f"{name}-run"
        run.mkdir(exist_ok=True)
        argv = [program("kamailio"), "-DD", "-E", "-m", "32", "-M", "4", "-w", run, "-Y", run]
        argv += ["-f", HERE / "kamailio" / "kamailio.cfg", "-A", f'RIG_IP="{self.ip}"']
        argv += ["-A", f"RIG_LISTEN=udp:{self.ip}:5060"]
        for key, value in defines.items():
            argv += ["-A", key if value is True else f"{key}={value}"]
        super().__init__(argv, folder, name, limit=280, at=at)
        # It answers later than it binds, but what comes meanwhile waits in its socket.
        until(self._answers if at is None else self.bound, f"{name} answers")

    def _answers(self):
        assert self.running, self.tell()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            s.bind((self.ip[: self.ip.rindex(".")] + ".1", 0))
            s.settimeout(0.1)
            host, port = s.getsockname()
            text = (
                f"OPTIONS sip:{self.ip} SIP/2.0\r\n"
                f"Via: SIP/2.0/UDP {host}:{port};branch=z9hG4bK{random.random()}\r\n"
                f"From: <sip:rig@{host}>;tag=1\r\nTo: <sip:{self.ip}>\r\nMax-Forwards: 1\r\n"
                f"Call-ID: {random.random()}\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n"
            )
            try:
                s.connect((self.ip, 5060))
                s.send(text.encode())
                return s.recv(2000).startswith(b"SIP/2.0 200")
            except OSError:
                return False

    def account(self, user, password=None):
        """The phone's arguments for an account here; everybody's password is NAME-secret."""
        return (
            *("--account", f"sip:{user}@{self.ip}"),
            *("--password", password or user + "-secret"),
        )


# ------------------------------------------------------------------------------------- sound


def noise(path, seconds=3.0, seed=1):
    """A WAV file that correlates with nothing but itself."""
    rand = random.Random(seed)
    pcm = array.array("h", [rand.randint(-9000, 9000) for _ in range(int(8000 * seconds))])
    with wave.open(str(path), "wb") as w:
        w.setnchannels(1)
        w.setsampwidth(2)
        w.setframerate(8000)
        w.writeframes(pcm.tobytes())
    return path


def samples(path):
    with wave.open(str(path), "rb") as w:
        assert (w.getframerate(), w.getsampwidth(), w.getnchannels()) == (8000, 2, 1), path
        return array.array("h", w.readframes(w.getnframes()))


def _dot(a, b):
    return sum(map(operator.mul, a, b))


def _find(piece, heard, first, last):
    """Where `piece` fits best in `heard`; -1 when there is no such place."""
    n = len(piece)
    places = range(max(0, first), min(last, len(heard) - n) + 1)
    # The loudest agreement is the best one: noise has the same power everywhere.
    return max(places, key=lambda at: _dot(piece, heard[at : at + n]), default=-1)


def _correlation(a, b):
    return _dot(a, b) / ((_dot(a, a) * _dot(b, b)) ** 0.5 or 1) if len(a) == len(b) else 0.0


def heard(played, recorded, most=2.9):
    """How well `played` is heard in `recorded`: the median of its pieces' correlations, of 0.1 s.

    Each piece is looked for anywhere, because a machine that stands still for a moment moves what
    comes after it; that moment's own pieces are torn, which is why it is the median. That nothing
    is lost on the way is what RTP's own counts are asked for.
    """
    a = samples(played)
    b = samples(recorded)
    n = 800
    lag = 0
    found = []
    for at in range(0, min(len(a), int(most * 8000)) - n + 1, n):
        piece = a[at : at + n]
        here = _correlation(piece, b[max(0, at + lag) : max(0, at + lag) + n])
        if here < 0.9:
            place = max(0, _find(piece[320:480], b, 0, len(b)) - 320)
            there = _correlation(piece, b[place : place + n])
            if there > here:
                here, lag = there, place - at
        found.append(here)
    return sorted(found)[len(found) // 2]


# ------------------------------------------------------------------------------------ tshark

_FIELDS = (
    *("frame.number", "frame.protocols", "udp.srcport", "udp.dstport", "_ws.malformed"),
    *("_ws.expert.severity", "_ws.expert.message", "sip.Method", "sip.Status-Code"),
    *("rtp.p_type", "rtpevent.event_id", "ip.src", "ip.dst", "data.data"),
)


class Frame:
    def __init__(self, values):
        self.number, self.protocols, source, target = values[:4]
        self.ports = (source, target)
        self.malformed = bool(values[4]) or "_ws.malformed" in self.protocols
        self.severe = any(int(x) >= 0x800000 for x in values[5].split(",") if x)
        self.expert, self.method, self.status, self.payload_type, self.digit = values[6:11]
        self.ip, self.to, data = values[11:]
        self.keep_alive = data.replace(":", "") == "0d0a0d0a"  # two line ends


class Dissected:
    """What tshark makes of a pcap: frames, and the RTP streams with their losses."""

    def __init__(self, path, port=5060):
        self.port = str(port)
        argv = [program("tshark"), "-n", "-r", str(path), "-T", "fields", "-z", "rtp,streams"]
        argv += ["-d", f"udp.port=={port},sip"]
        # linphone opens a NAT by STUN where its RTP goes. Found by its look it would make tshark
        # forget that there is RTP; taken for RTP of version 0 it does not, and is dissected.
        argv += ["--disable-heuristic", "stun_udp", "-o", "rtp.version0_type:STUN"]
        for name in _FIELDS:
            argv += ["-e", name]
        done = subprocess.run(argv, capture_output=True, text=True, errors="replace", timeout=60)
        assert done.returncode == 0, done.stderr
        text, _, table = done.stdout.partition("====")
        self.frames = []
        for line in text.splitlines():
            if line.strip():
                values = line.split("\t")
                self.frames.append(Frame(values + [""] * (len(_FIELDS) - len(values))))
        # Lost is a number with its per cent in brackets: 0 (0.0%)
        self.streams = [line for line in table.splitlines() if "0x" in line]
        self.lost = [int(re.search(r"(-?\d+) \(-?[\d.]+%\)", x).group(1)) for x in self.streams]

    def problems(self, pieces=False):
        """Sentences; none is good. Of RTP in `pieces` the losses are not told."""
        found = []
        for f in self.frames:
            if f.malformed or f.severe:
                found.append(f"frame {f.number} ({f.protocols}) {f.expert or 'malformed'}")
            kind = "sip" if self.port in f.ports else "rtp"
            if kind not in f.protocols.split(":") and not f.keep_alive:
                found.append(f"frame {f.number} is no {kind} but {f.protocols}")
        if not pieces:
            found += [f"lost {n}: {line}" for n, line in zip(self.lost, self.streams) if n]
        return found
