"""What the interop tests drive: programs, and phones among them.

Every program has a loopback address of its own and runs under coreutils' timeout, so that nothing
is left when a test run is killed. Nothing sleeps: tests wait for events, for a bound socket or for
the end of a program.
"""

import array
import functools
import json
import os
import signal
import socket
import subprocess
import threading
import time
from pathlib import Path

from dissect import Dissected as Dissected
from hearing import fit as fit
from hearing import halve as halve
from hearing import heard as heard
from hearing import noise as noise
from hearing import samples as samples
from programs import missing as missing
from programs import program as program
from programs import version as version

import runner

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
BUILD = ROOT / "build" / "interop"
PHONE = ROOT / "tools" / "phone.py"
DOORBELL = ROOT / "examples" / "doorbell.py"
HEAP = {"unix32": "256k"}  # phone.py with its pcap; what a board needs is measured elsewhere
LIMIT_S = 60  # no program lives longer
WAIT_S = 10  # no event is later


@functools.cache
def real_time():
    """What starts a program that goes before all others, empty where that is not allowed."""
    argv = ("chrt", "--rr", "5")
    try:
        done = subprocess.run([*argv, "true"], capture_output=True, timeout=10)
    except OSError:
        return ()
    return () if done.returncode else argv


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
    its address. `urgent`: it goes before what else this machine does, where that is allowed: it
    sleeps nearly always, and its sound is measured.
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
        urgent=False,
    ):
        self.name = name
        self.folder = folder
        self.errors = folder / f"{name}.stderr"
        # --foreground: the signals sent here reach the program once and not twice.
        argv = ["timeout", "--foreground", "-k", "3", str(limit), *map(str, argv)]
        if urgent:
            argv = [*real_time(), *argv]  # it becomes timeout
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

    def fresh(self):
        """Wait for what comes from now on, and not for what was."""
        with self._news:
            self._seen = len(self.events)
        return self

    def all(self, event):
        return [e for e in self.events if e["event"] == event]

    def names(self):
        return [e["event"] for e in self.events]

    def tell(self):
        lines = [json.dumps({**e, "at": round(e["at"], 3)}) for e in self.events]
        return f"{super().tell()}\nevents:\n" + "\n".join(lines)


class Speaker(Teller):
    """A program of ours on a runtime: `events` is what it said."""

    def __init__(
        self,
        folder,
        name,
        runtime,
        file,
        args,
        stdin=subprocess.DEVNULL,
        at=None,
        limit=LIMIT_S,
        urgent=False,
        **how,
    ):
        self.runtime = runtime
        try:
            argv, env = runner.command(runtime, file, args, **how)
        except runner.RunError as error:
            if "mpy-cross:" in str(error):
                raise  # a source that does not compile is not a missing runtime
            missing(str(error))
        more = {"stdin": stdin, "at": at, "limit": limit, "urgent": urgent}
        super().__init__(argv, folder, name, env, stdout=subprocess.PIPE, **more)
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
    """tools/phone.py --json; `program` is another one that takes its arguments, after
    those that it has itself."""

    def __init__(
        self,
        folder,
        name,
        runtime,
        *args,
        ip=None,
        port=5060,
        heap=None,
        at=None,
        limit=LIMIT_S,
        urgent=False,
        program=PHONE,
        before=(),
        path=(),
    ):
        self.ip = ip or (at or addresses()).take()
        self.port = port
        self.pcap = folder / f"{name}.pcap"
        bind = f"{literal(self.ip)}:{port}"
        own = ["--json", "--bind", bind, "--trace", self.pcap, "--trace-digits"]
        if "--account" not in args and "--allow" not in args:
            # Anybody, and who is of this rig is no stranger: test_floods.py tells of those.
            near = self.ip[: self.ip.rindex(".")] + ".*" if "." in self.ip else "[::1]"
            near += ", [0:0:0:0:0:0:0:1]" if ":" in self.ip else ""  # as MicroPython has it
            far = "" if ":" in self.ip else ", 203.0.113.*, 192.168.77.*"
            own += ["--allow", f"any, {near}{far}"]
        how = {"heap": heap or HEAP.get(runtime), "path": path, "urgent": urgent}
        args = [*before, *own, *args]
        super().__init__(folder, name, runtime, program, args, at=at, limit=limit, **how)

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
