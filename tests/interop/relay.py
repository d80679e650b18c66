"""A relay between the phone and SIPp that loses one message, or brings one twice.

Both sides take the relay for the other one. What is struck is counted, not timed: of the message
that is meant the first copy, and nothing else.
"""

import re
import select
import socket
import threading

_START = re.compile(rb"(?:SIP/2\.0 (\d+)|([A-Z]+)) ")
_CSEQ = re.compile(rb"\nCSeq: *(\d+) ([A-Z]+)")


class Relay:
    """It is at `ip`; the phone and SIPp have to be at `phone` and `sipp`.

    `fault` is "lost" or "twice"; `message` is the name of what is struck: a method (re-INVITE when
    it is within a dialog) or a status with the name of its request, "200 INVITE". An ACK of a
    re-INVITE is an "ACK re-INVITE".
    """

    name = "relay"

    def __init__(self, fault, message, take):
        assert fault in ("lost", "twice")
        self.fault = fault
        self.message = message
        self.ip, self.phone, self.sipp = take(), take(), take()
        self.seen = []  # (from the phone, name, datagram)
        self.struck = None  # the datagram
        self._within = set()  # (from the phone, CSeq) of the re-INVITEs
        self._news = threading.Condition()
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind((self.ip, 5060))
        self._end = socket.socketpair()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self):
        while True:
            ready, _, _ = select.select([self._socket, self._end[1]], [], [])
            if self._end[1] in ready:
                return
            try:
                data, (ip, _) = self._socket.recvfrom(9000)
            except ConnectionError:  # the other side has ended: what was sent there came back
                continue
            with self._news:
                self._pass(data, ip == self.phone)
                self._news.notify_all()

    def _pass(self, data, ours):
        name = self._name(data, ours)
        self.seen.append((ours, name, data))
        copies = 1
        if self.struck is None and name == self.message:
            self.struck = data
            copies = 0 if self.fault == "lost" else 2
        for _ in range(copies):
            try:
                self._socket.sendto(data, (self.sipp if ours else self.phone, 5060))
            except ConnectionError:
                pass  # of what was sent before

    def _name(self, data, ours):
        status, method = (x.decode() if x else "" for x in _START.match(data).groups())
        number, of = (x.decode() for x in _CSEQ.search(data).groups())
        if method == "INVITE" and b";tag=" in re.search(rb"\nTo:.*", data).group():
            self._within.add((ours, number))
        asked = (ours if method else not ours, number)
        if of in ("INVITE", "ACK") and asked in self._within:
            if method:
                return "re-INVITE" if of == "INVITE" else "ACK re-INVITE"
            of = "re-INVITE"
        return method or f"{status} {of}"

    def copies(self):
        """How often what was struck was sent, to the byte."""
        with self._news:
            return sum(data == self.struck for _, _, data in self.seen)

    def wait(self, copies, seconds=10):
        """Wait until what was struck was sent so often."""

        def enough():
            return sum(data == self.struck for _, _, data in self.seen) >= copies

        with self._news:
            said = self._news.wait_for(enough, seconds)
        assert said, f"{self.message} was sent {self.copies()} times, not {copies}\n{self.tell()}"

    def answered(self, name, times, seconds=10):
        """Wait until the phone has sent one message of that name so often, to the byte."""

        def enough():
            sent = [data for ours, said, data in self.seen if ours and said == name]
            return any(sent.count(data) >= times for data in sent)

        with self._news:
            said = self._news.wait_for(enough, seconds)
        assert said, f"no {name} {times} times\n{self.tell()}"

    def done(self):
        """Let SIPp go that lingers (scenario.py)."""
        call_id = re.search(rb"\nCall-ID:.*\r\n", self.struck).group()[1:]
        lines = b"DONE sip:sipp SIP/2.0\r\nVia: SIP/2.0/UDP rig;branch=z9hG4bKdone\r\n" + call_id
        lines += b"From: <sip:rig>;tag=1\r\nTo: <sip:sipp>;tag=1\r\nCSeq: 1 DONE\r\n\r\n"
        self._socket.sendto(lines, (self.sipp, 5060))

    def changed(self):
        """Names of what the phone repeated, but not to the byte."""
        first = {}
        found = []
        with self._news:
            for ours, name, data in self.seen:
                branch = re.search(rb"branch=([^;\s]+)", data).group(1)
                if ours and first.setdefault((name, branch), data) != data:
                    found.append(name)
        return found

    def tell(self):
        lines = [f"{'phone' if ours else 'SIPp '} {name}" for ours, name, _ in self.seen]
        return f"--- relay, {self.message} {self.fault}:\n" + "\n".join(lines)

    def kill(self):
        self._end[0].send(b"x")
        self._thread.join(5)
        self._socket.close()
        for s in self._end:
            s.close()
