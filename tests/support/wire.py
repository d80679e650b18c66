# usip tests: one agent at the end of a wire that keeps what was sent; the test is the clock
# MIT licence; Copyright (c) 2026 the usip authors

from usip.agent import Agent
from usip.clock import later


class Wire:
    """Network and flow in one."""

    transport = b"UDP"
    reliable = False
    local = (b"192.0.2.1", 5060)
    remote = (b"192.0.2.9", 5060)
    cut = False  # True: sending fails for good

    def __init__(self):
        self.sent = []  # (milliseconds since the start, data)
        self.t = 0
        self.now = 0x3FFFFFFF - 20000  # the clock wraps on the way

    def flow(self, host, port, transport=b"UDP"):
        return self

    def send(self, data):
        if not self.cut:
            self.sent.append((self.t, bytes(data)))
        return not self.cut

    def times(self, start):
        """When messages that begin with `start` were sent."""
        return [t for t, data in self.sent if data[: len(start)] == start]

    def last(self):
        return self.sent[-1][1]

    def run(self, agent, ms):
        """Let time pass as a driver does: exactly from deadline to deadline."""
        end = self.t + ms
        while True:
            left = agent.poll(self.now)
            if left is None or self.t + left > end:
                left = end - self.t
            if not left and self.t == end:
                return
            self.t += left
            self.now = later(self.now, left)


class Tcp(Wire):
    transport = b"TCP"
    reliable = True


def make(wire, listener=None, aor=b"sip:door@192.0.2.1"):
    return Agent(wire, listener or (lambda event, subject, detail: None), aor)


class User:
    """Hears what a transaction tells."""

    def __init__(self):
        self.heard = []  # status, or "ack", or ("lost", status)

    def response(self, tx, m, status, now):
        self.heard.append(status)

    def ack(self, tx, m, now):
        self.heard.append("ack")

    def lost(self, tx, status, now):
        self.heard.append(("lost", status))

    def cancelled(self, tx, m, now):
        self.heard.append("cancel")
