# usip tests: one bad day: two devices and their registrar in a network that loses, repeats, delays
# and forgets, drawn from one number
# MIT licence; Copyright (c) 2026 the usip authors

from endpoint import End, Home
from fakenet import Random, World
from usip import limits, rand
from usip.info import send as press
from usip.media.stream import MediaStream
from usip.pager import send as text

USERS = {b"door": b"secret", b"flat": b"geheim"}
IPS = (b"192.0.2.1", b"203.0.113.2")
CHAOS = 55_000  # ms from the dialling on until all faults have ended
# From then on: a peer that never hears of it rings to its end, and a refresh finds a moved NAT.
PROBE_MS = 90_000  # other tests have their own
SETTLED = limits.RING_MS + PROBE_MS + 3 * limits.TIMEOUT
MIRROR = {
    "sendrecv": "sendrecv",
    "sendonly": "recvonly",
    "recvonly": "sendonly",
    "inactive": "inactive",
}


def between(data, start, ends):
    i = data.find(start)
    if i < 0:
        return b""
    i += len(start)
    j = i
    while data[j] not in ends:
        j += 1
    return data[i:j]


class Judge:
    """Sees every message: nothing is answered twice differently, and what wants an answer at once
    (all but INVITE and ACK) gets one."""

    def __init__(self):
        self.finals = {}
        self.answered = None
        self.fault = ""

    def sent(self, host, data):
        if data[:8] != b"SIP/2.0 ":
            return
        self.answered = branch = between(data, b";branch=", b";,\r")
        if data[8:9] == b"1" or not host.cable:
            return
        cseq = between(data, b"\r\nCSeq: ", b"\r")
        key = hash((branch, cseq, host.n, host.births))
        tag = between(between(data, b"\r\nTo: ", b"\r") + b"\r", b";tag=", b";\r")
        said = data[8:11] + tag
        full = len(host.agent.transactions) >= host.agent.most - limits.OWN_TRANSACTIONS
        if said[:3] in (b"500", b"481") and full:
            return  # what was over had to make room: out of order, then, or of no call any more
        if said[:3] == b"481" and cseq[-6:] == b"CANCEL" and key not in self.finals:
            return  # of nothing yet: a late INVITE may come after it, to who restarted meanwhile
        if self.finals.setdefault(key, said) != said:
            self.fault = "%s was answered %s, then %s" % (cseq, self.finals[key], said)

    def took(self, host, data):
        if data[:8] != b"SIP/2.0 " and data[:7] != b"INVITE " and data[:4] != b"ACK ":
            if data.strip(b"\r\n") and self.answered != between(data, b";branch=", b";,\r"):
                self.fault = "no answer to %s" % data[:20]
        self.answered = None


class Side(End):
    """One of the devices. After a restart it is another."""

    def __init__(self, storm, i, host=None):
        self.storm = storm
        self.i = i
        self.all = []
        self.texts = []
        user = (b"door", b"flat")[i]
        End.__init__(self, storm.world, IPS[i], user, USERS[user], host=host)
        self.host.births += 1
        if storm.writer:
            self.agent.writer = storm.writer  # what nobody uses at the same time is one
        storm.writer = self.agent.writer

    def hear(self, event, subject, detail):
        End.hear(self, event, subject, detail)
        if event == "incoming":
            for call in self.all:
                if call.incoming and call.dialog.call_id == subject.dialog.call_id:
                    # Unless it could not say what had become of it
                    if call.code != 503:
                        self.storm.fail("rings again")
            self.all.append(subject)
            self.storm.rang(self, subject)
        elif event == "message":
            if detail in self.texts:
                self.storm.fail("%s came twice" % detail)
            self.texts.append(detail)


class Storm:
    """One run. All that differs from run to run is drawn from its seed."""

    def __init__(self, seed, keep_log=False):
        self.r = r = Random(seed)
        self.seed = seed
        # Tags, branches, nonces and jitter too: a bad day can be had again.
        rand.urandom = lambda n: bytes([r.below(256) for _ in range(n)])
        self.clean = clean = not r.below(10)
        bad = 0 if clean else 1
        self.world = w = World(seed, bad * r.below(31), bad * r.below(11), bad * r.below(21))
        w.keep_log = keep_log
        w.longest = 3000 if r.below(4) else 10_000
        w.now = 0x3FFFFFFF - r.below(400_000)  # the clock wraps somewhere on the way
        w.judge = self.judge = Judge()
        self.story = []
        self.writer = None
        self.home = self.center(None)
        self.sides = [Side(self, 0), Side(self, 1)]
        self.nat = bad * (not r.below(3))
        if self.nat:
            w.nat(self.sides[0].host, b"198.51.100.7", 40000 + r.below(1000))
        self.began = 0
        self.digits = [b"", b""]  # what was pressed at each side
        self.sent = []  # texts: (side, Single)

    def center(self, host):
        home = Home(self.world, USERS, host=host)
        home.host.births += 1
        if self.writer:
            home.agent.writer = self.writer
        self.writer = home.agent.writer
        return home

    def fail(self, why):
        w = self.world
        text = (
            "seed %d: %s\n%d ms after dialling, faults ended at %d, loss %d double %d late %d"
            % (
                self.seed,
                why,
                w.t - self.began,
                CHAOS,
                w.loss,
                w.double,
                w.late,
            )
        )
        for side in self.sides:
            calls = [(c.state, c.incoming, c.code, c.reason) for c in side.all]
            text += "\nside %d: %s\n  %s %s" % (side.i, calls, side.events, side.busy())
        raise AssertionError("%s\n%s" % (text, self.story))

    # --- what happens ---

    def do(self, ms, name, i, *args):
        """In `ms` let side `i` do `name`."""

        def now():
            host = self.home.host if name[:9] == "registrar" else self.sides[i].host
            if not host.up and name != "reborn" and name != "registrar_back":
                return
            if self.world.keep_log:
                said = () if name == "reply" else args
                self.story.append((self.world.t - self.began, name, i) + said)
            getattr(self, name)(i, *args)

        self.world.at(ms, now)

    def dial(self, i):
        side = self.sides[i]
        user = (b"flat", b"door")[i]
        call = side.dial(b"sip:" + user + b"@192.0.2.5", ring_ms=self.ring_ms, follow=True)
        side.all.append(call)

    def rang(self, side, call):
        for c in side.all[:-1]:
            if c.state != b"X":
                return
        if self.wish < 8:
            self.do(self.think_ms, "reply", side.i, call)

    def reply(self, i, call):
        if call.agent is not self.sides[i].agent:
            return  # it has restarted
        if self.wish == 0:
            call.reject(self.world.now, 486)
        else:
            call.answer(self.world.now)

    def hangup(self, i):
        call = self.sides[i].call
        if call and call.state != b"X":
            call.hangup(self.world.now)

    def hold(self, i, on):
        call = self.sides[i].call
        if call and call.state != b"X":
            call.hold(on, self.world.now)

    def press(self, i):
        call = self.sides[i].call
        n = len(self.digits[i])
        if call and call.state == b"E" and n < 12:
            digit = b"0123456789*#"[n : n + 1]
            self.digits[i] += digit
            press(call, digit, self.world.now)

    def write(self, i, n):
        user = (b"flat", b"door")[i]
        side = self.sides[i]
        t = text(side.agent, b"sip:" + user + b"@192.0.2.5", b"text %d" % n, self.world.now, True)
        self.sent.append((side, t, n))

    def refresh(self, i):
        self.sides[i].registration.start(self.world.now)

    # --- what goes wrong ---

    def wifi(self, i, hard, ms, ip):
        host = self.sides[i].host
        if hard:
            host.cable = False
        else:
            host.air = False
        self.do(ms, "wifi_back", i, ip)

    def wifi_back(self, i, ip):
        side = self.sides[i]
        side.host.air = side.host.cable = True
        if ip:
            side.host.move(ip)
        if side.host.up:
            side.registration.start(self.world.now)
            side.calls.moved(self.world.now)

    def restart(self, i, ms):
        dead = self.sides[i]
        if dead.host.up:
            dead.host.up = False
            a = dead.agent
            for list_ in (a.transactions, a.parts, a.dialogs, a.methods):
                list_.clear()
            a.writer = None
            self.do(ms, "reborn", i)

    def reborn(self, i):
        host = self.sides[i].host
        host.up = True
        host.flows = {}
        self.digits = [b"", b""]  # what the one pressed the other may have forgotten
        self.sides[i] = side = Side(self, i, host)
        side.registration.start(self.world.now)

    def registrar(self, i, ms):
        if self.home.host.up:
            self.home.host.up = False
            self.do(ms, "registrar_back", i)

    def registrar_back(self, i):
        host = self.home.host
        host.up = True
        host.flows = {}
        self.home = self.center(host)

    def rebind(self, i):
        host = self.sides[0].host
        if host.public:
            host.public = (host.public[0], 40000 + self.r.below(1000))

    # --- a day ---

    def plan(self):
        r = self.r
        self.ring_ms = (5000, 20_000, 60_000)[r.below(3)]
        self.wish = r.below(10)  # 0: declined, 8 and 9: nobody hears it ring, else answered
        self.think_ms = r.below(8000)
        self.caller = r.below(2)
        self.do(0, "dial", self.caller)
        both = None if r.below(6) else r.below(30_000)  # both at once
        for i in range(2):
            if both is not None or r.below(2):
                self.do(r.below(30_000) if both is None else both, "hangup", i)
            if not r.below(3):
                t = r.below(25_000)
                self.do(t, "hold", i, True)
                if r.below(2):
                    self.do(t + r.below(5000), "hold", i, False)
            t = 2000 + r.below(20_000)
            for _ in range(r.below(6)):
                self.do(t, "press", i)
                t += 100 + r.below(2000)
            if not r.below(4):
                self.do(r.below(30_000), "write", i, i)
            if not r.below(4):
                self.do(r.below(30_000), "refresh", i)
        if self.clean:
            return
        for _ in range(r.below(4)):
            t = r.below(30_000)
            ms = 100 + r.below(20_000)
            i = r.below(2)
            what = r.below(8)
            if what < 4:
                ip = b"%s%d" % (IPS[i][:-1], 30 + r.below(60)) if what & 1 else None
                self.do(t, "wifi", i, what & 2, ms, ip)
            elif what == 4:
                self.do(t, "restart", i, ms // 2)
            elif what == 5:
                self.do(t, "registrar", i, ms)
            else:
                self.do(t, "rebind", i)

    def run(self):
        w = self.world
        for side in self.sides:
            side.registration.start(w.now)
        both = [side.registration for side in self.sides]
        # Back-off included: a lost 401 or 200 costs seconds, never the night
        if not w.run(1800_000, lambda: both[0].state == both[1].state == b"A"):
            self.fail("not registered")
        self.began = w.t
        self.plan()
        w.run(CHAOS)
        chaos = w.loss, w.double, w.late
        w.loss = w.double = w.late = 0
        w.run(SETTLED, self.over)
        self.check(self.agree())
        if self.clean:
            self.check(self.complete())
        for side in self.sides:
            for call in side.all:
                if call.state != b"X":
                    call.hangup(w.now)
        w.run(2 * limits.TIMEOUT)
        self.check(self.idle())
        self.check(self.told())
        self.check(presses(self.seed, chaos, w.longest))
        return self.outcome()

    def check(self, why):
        why = self.judge.fault or why
        if why:
            self.fail(why)

    def over(self):
        """No call, and nothing on its way that could begin one."""
        for side in self.sides:
            for call in side.all:
                if call.state != b"X":
                    return False
        return not self.world.queue

    def agree(self):
        """Both sides are in the same call, or in none."""
        up = [[c for c in side.all if c.state != b"X"] for side in self.sides]
        if not up[0] and not up[1]:
            return ""
        if len(up[0]) != 1 or len(up[1]) != 1:
            return "one is in a call, the other not"
        a = up[0][0]
        b = up[1][0]
        if a.state != b"E" or b.state != b"E":
            return "not settled"
        if a.dialog.key()[1:] != (b.dialog.remote_tag, b.dialog.local_tag):
            return "not in the same call"
        if a.sdp.remote.direction != MIRROR[b.sdp.remote.direction]:
            return "%s and %s" % (a.sdp.remote.direction, b.sdp.remote.direction)
        if a.change().state != b"N" or b.change().state != b"N":
            return "a change is not done"
        return ""

    def idle(self):
        """Nothing is left but for a refresh of a registration."""
        agents = [self.home.agent] + [side.agent for side in self.sides]
        for a in agents:
            for t in a.transactions:
                if t.method != b"REGISTER":
                    return "a transaction is left: %s %s" % (t.method, t.state)
            if a.dialogs or len(a.parts) != 1:
                return "not idle"
        for side in self.sides:
            for call in side.all:
                if call.state != b"X" or call.agent.dialogs or call.sdp or call.data:
                    return "something of a call is left"
            if side.events.count("ended") != len(side.all) and len(side.events) < 40:
                return "how often a call ended"
            if side.registration.state == b"N":
                return "not registered"
        return ""

    def told(self):
        """One press is one digit, one text is one text."""
        for i in range(2):
            came = self.sides[1 - i].digits
            at = -1
            for d in came:
                if self.digits[i].find(bytes([d])) <= at and self.digits[i]:
                    return "digits %s of %s" % (came, self.digits[i])
                at = self.digits[i].find(bytes([d]))
        for side, t, _ in self.sent:
            if side in self.sides and not t.status:
                return "a text without an end"
        return ""

    def complete(self):
        """A clean network: everything arrived, and both tell the same tale."""
        caller = self.sides[self.caller]
        callee = self.sides[1 - self.caller]
        # A callee that hangs up before the ACK has come was not answered, nor a caller who gave up
        # while the answer was on its way.
        if "answered" in callee.events and "answered" not in caller.events:
            if caller.all[0].reason not in ("Cancelled", "NoAnswer"):
                return "one was answered, the other not"
        for i in range(2):
            if self.sides[1 - i].digits != self.digits[i] and not callee.events.count("ended"):
                return "digits are lost: %s of %s" % (self.sides[1 - i].digits, self.digits[i])
        for side, t, n in self.sent:
            if t.status != 200 or b"text %d" % n not in self.sides[1 - side.i].texts:
                return "a text was lost"
        if len(caller.all) != 1 or len(callee.all) > 1:
            return "how many calls"
        return ""

    def outcome(self):
        a = self.sides[0]
        b = self.sides[1]
        if a.host.births > 1 or b.host.births > 1:
            return "restart"
        if "answered" in a.events and "answered" in b.events:
            return "talked"
        return "no talk"


def presses(seed, chaos, longest):
    """Digits by RFC 4733 through the same network: "" when each press was heard once."""
    loss, double, late = chaos
    r = Random(seed + 5)
    out = MediaStream(8, 101)
    into = MediaStream(8, 101)
    digits = b"0123456789*#ABCD"[: r.below(5)]
    said = b""
    queue = []
    came = b""
    t = 0
    while len(said) < len(digits) or out.sending:
        if not out.sending:
            for _ in range(r.below(6) and r.below(350)):  # up to 7 s in which nothing is sent
                out.miss()
                t += 20
            n = 1 + r.below(2)
            out.send_digits(digits[len(said) : len(said) + n], 100 + r.below(100))
            said = digits[: len(said) + n]
        n = out.frame_out(None)
        t += 20
        if n and r.below(100) >= loss:
            for _ in range(2 if r.below(100) < double else 1):
                at = t + 5 + r.below(20)
                if r.below(100) < late:
                    at += 100 + r.below(longest - 100)
                i = len(queue)
                while i and queue[i - 1][0] > at:
                    i -= 1
                queue.insert(i, (at, bytes(out.tx[:n])))
        while queue and (queue[0][0] <= t or len(said) == len(digits) and not out.sending):
            data = queue.pop(0)[1]
            came += into.receive(data, len(data)) or b""
    at = -1
    for d in came:
        if digits.find(bytes([d])) <= at:
            return "telephone-events %s of %s" % (came, digits)
        at = digits.find(bytes([d]))
    if not (loss or late) and came != digits:
        return "telephone-events are lost: %s of %s" % (came, digits)
    return ""


def run(seed, keep_log=False):
    """The run `seed`: what came of it. AssertionError when anything is wrong."""
    before = rand.urandom, limits.PROBE_MS
    limits.PROBE_MS = PROBE_MS
    try:
        return Storm(seed, keep_log).run()
    finally:
        rand.urandom, limits.PROBE_MS = before
