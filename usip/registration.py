# usip: registration, RFC 3261 10.2
# MIT licence; Copyright (c) 2026 the usip authors

from . import limits
from .agent import ALLOW
from .clock import later, left
from .compose import bare
from .dialog import Dialog
from .errors import ProtocolError
from .header import address, number, param
from .rand import below
from .request import Request
from .uri import Uri

# Rows: state, event, action, next state. No row: the event is ignored in that state.
#
# states  N not registered  R REGISTER sent  A registered  F failed, waits to try again
#         U un-REGISTER sent
# events  s start or network came back  2 a 2xx  3 any failure  4 a 423  $ time is up  q stop
# actions r register  a accepted  f failed: back off  m more seconds wanted: again
#         h hush: it was sent often enough, or nothing is heard of it any more
#         u unregister  d done: unregistered  n nothing to undo

# fmt: off
MACHINE = (
    b"NsrR "
    b"R2aA R3fF R4mR RsrR RquU R$hR "
    b"A$rR AsrR AquU "
    b"F$rR FsrR FqnN "
    b"U2dN U3dN U4dN U$dN UsrR "
)
# fmt: on


class Registration:
    """Keeps one address-of-record registered.

    `state` is a letter of MACHINE's legend. Tells `registered` (granted seconds),
    `registration-failed` (reason in a few words; `status` has the code) and `unregistered`."""

    def __init__(self, agent, registrar, expires=limits.EXPIRES):
        self.agent = agent
        self.registrar = Uri(registrar)
        self.expires = min(expires, limits.EXPIRES_MAX)
        self.state = b"N"
        self.status = 0
        self.granted = 0
        self.failures = 0
        self.at = None
        self.ping_at = None  # the next keep-alive, where there is a NAT to be kept open
        self.keepalive = limits.KEEPALIVE  # ms from one to the next
        self.request = None
        self.again = False
        self.bound = None  # the Contact that the registrar has
        # 10.2: a bare Request-URI (a FRITZ!Box drops one with a user part in silence), To and From
        # are the AOR, one Call-ID and rising CSeq for all REGISTERs.
        self.registrar.user = None
        self.dialog = Dialog(agent.aor, agent.aor, self.registrar.text(True))
        agent.parts.append(self)

    def start(self, now):
        """Register, or do it again at once: the network came back, the address changed."""
        self.failures = 0
        self._fire(b"s", now)

    def stop(self, now):
        """Unregister."""
        self._fire(b"q", now)

    def response(self, request, m, status, now):
        if request is not self.request or status < 200:
            return
        self.status = status
        self._fire(b"2" if status < 300 else b"4" if status == 423 else b"3", now, m)

    def poll(self, now):
        if self.at is not None and left(self.at, now) <= 0:
            self._fire(b"$", now)
        if self.state != b"A" or not self.agent.public:
            self.ping_at = None
        elif self.ping_at is None or left(self.ping_at, now) <= 0:
            # RFC 5626 3.5.1, 4.4: two line ends are a ping on streams and keep a NAT's mapping on
            # UDP
            if self.ping_at is not None:
                self.agent.send(b"\r\n\r\n", self.request.flow, now)
            self.ping_at = later(now, self.keepalive)
        ms = None if self.at is None else max(left(self.at, now), 0)
        return ms if self.ping_at is None else min(ms, left(self.ping_at, now))

    def _fire(self, event, now, m=None):
        i = MACHINE.find(self.state + event)
        state = MACHINE[i + 3 : i + 4]
        if event == b"$":  # used up, now that nothing before the action wants memory
            self.at = None
        if i < 0:
            return
        if state != self.state and self.agent.log:
            self.agent.log(self, self.state, state)
        self.state = state
        self.at = None
        try:
            _ACTIONS[MACHINE[i + 2]](self, m, now)
        except Exception:
            if self.at is None or self.state == b"R":  # no memory: a try that has failed, or an end
                self.state = b"U" if state in b"UN" else b"F"
                self.at = later(now, limits.BACKOFF_FIRST)
            raise

    def _send(self, expires, now):
        agent = self.agent
        self.dialog.routes = list(self.outbound)
        flow = agent.flow_to(self.dialog, now)
        lines = (b"Allow", ALLOW)
        if flow:
            if flow.remote not in agent.trusted:
                agent.trusted[:] = (flow.remote,)
            contact = agent.contact(flow)
            lines += (b"Contact", contact, b"Expires", b"%d" % expires)
            if self.bound and self.bound != contact:
                # Where we were: a registrar that goes on calling there rings nobody.
                lines += (b"Contact", self.bound + b";expires=0")
        # Longer than the transactions last, the one with credentials too: whatever becomes of them.
        self.at = later(now, 3 * limits.TIMEOUT)
        if self.request:
            self.request.quit = True  # 10.2: one at a time; a late challenge is not answered
        self.request = Request(agent, self.dialog, b"REGISTER", self, lines)
        if self.failures >= limits.HUSH_AFTER and self.state == b"R":
            self.at = later(now, limits.HUSH_MS)
        self.request.send(now)

    outbound = ()  # preset Route of the REGISTER itself

    def _register(self, m, now):
        self._send(self.expires, now)

    def _accepted(self, m, now):
        agent = self.agent
        self.failures = 0
        if agent.credentials:
            agent.credentials.bind()
        contact = agent.contact(self.request.flow)
        self.granted = self._lifetime(m, contact)
        self.bound = contact
        if not self.granted:  # a 200 that binds nothing
            self.state = b"F"
            self._failed(m, now)
            return
        agent.routes[:] = list(self.outbound) + _service_route(m)
        if self._moved(m, now) and not self.again:
            # Behind a NAT: register what the registrar sees. Once: a NAT that gives a new port each
            # time would never end it.
            self.again = True
            self._fire(b"s", now)
            return
        self.again = False
        s = min(self.granted, limits.NAT_EXPIRES) if agent.public else self.granted
        # Refreshed before it runs out, with time for retransmissions: at 90 %, at least 32 s before
        # where that is possible.
        # Never at once: a registrar that grants no time worth the name gets no storm.
        # Nor all at once: those whose registrar was away registered within a minute, and would
        # come again as one each time. Anywhere in the later half: a wave is flat after one round.
        s = max(s - 32, s // 2, 1) if s < 320 else s - s // 10
        self.at = later(now, s * (500 + below(501)))
        agent.listener("registered", self, self.granted)

    def _lifetime(self, m, contact):
        # 10.2.4: our Contact's expires parameter counts before the Expires header. Others' bindings
        # may be in the answer.
        ours = Uri(address(contact)[1])
        least = None
        try:
            for v in m.all("contact")[: limits.BINDINGS]:
                try:
                    _, u, params = address(v)
                    u = Uri(u)
                    v = param(params, b"expires")
                    v = min(number(v, limits.NUMBER_MAX), limits.EXPIRES_MAX) if v else None
                except ProtocolError:
                    continue  # another's, which nobody can read
                if (
                    u.user == ours.user
                    and u.host.lower() == ours.host.lower()
                    and (u.port or 5060) == (ours.port or 5060)
                ):
                    least = v
                    break
                # Rewritten by the registrar, or another device's: the shortest is safe.
                if v is not None and u.user == ours.user:
                    least = v if least is None else min(v, least)
            if least is None and "expires" in m.names:
                least = min(number(m.get("expires"), limits.NUMBER_MAX), limits.EXPIRES_MAX)
        except ProtocolError:
            pass  # a granted lifetime that cannot be read is the one that we asked for
        return self.expires if least is None else least

    def _moved(self, m, now):
        # RFC 3581: what the registrar wrote into our Via is how it sees us.
        try:
            port = param(m.via_params, b"rport")
            host = param(m.via_params, b"received")
            flow = self.request.flow
            if not port and not host:
                return False
            seen = (
                bare(host) if host else flow.local[0],
                number(port, 65535) if port else flow.local[1],
            )
        except ProtocolError:
            return False
        # 18.2.1: it is an address, never a name; what else stands there would stand in our Contact.
        if len(seen[0]) > 45 or not seen[1] or not _address(seen[0]):
            return False
        was = self.agent.public
        if seen == (was or flow.local):
            return False
        self.agent.public = seen
        if was and was[0] == seen[0]:
            # The router had forgotten us, and gave us another port: more often, then.
            self.keepalive = max(self.keepalive // 2, limits.KEEPALIVE_MIN)
        if was:
            for part in tuple(self.agent.parts):
                if hasattr(part, "refresh"):  # a call: its peer is told by a re-INVITE
                    part.refresh(now)
        return True

    def _hush(self, m, now):
        # Longer than the transactions last, the one with credentials too: whatever became of them.
        self.at = later(now, 3 * limits.TIMEOUT)
        tx = self.request.tx
        if not tx or tx.keys is None:
            self.status = 408
            self.state = b"F"
            self._failed(m, now)
        elif tx.state == b"T" and not self.request.tries and self.failures >= limits.HUSH_AFTER:
            tx.retry_at = None
            self.agent.transactions.place(tx)

    def _more(self, m, now):
        # 10.2.8: Min-Expires; twice the same answer is a failure like any other
        try:
            least = number(m.get("min-expires") or b"", limits.EXPIRES_MAX)
        except ProtocolError:
            least = 0
        if least <= self.expires:
            self.state = b"F"
            self._failed(m, now)
            return
        self.expires = least
        self._send(self.expires, now)

    def _failed(self, m, now):
        self.request.quit = True  # it may be on its way still
        status = self.status
        n = min(self.failures, 9)
        self.failures += 1
        # A first lost answer is tried again after 1-2 s; a wrong password backs off at once, for
        # accounts get locked.
        wrong = status in (401, 403, 407, 404)
        # Doubled by jitter, the longest too: a house full of devices must not come back as one.
        most = limits.BACKOFF_MAX
        if not m:
            unsent = status == 503 and self.request.flow
            most = limits.BACKOFF_UNSENT if unsent else limits.BACKOFF_SILENT
        ms = min(limits.BACKOFF_FIRST << (n + 5 if wrong else n), most // 2)
        ms += ms * below(1000) // 1000
        if m and m.get("retry-after"):
            try:
                ms = max(
                    number(m.get("retry-after").split(b"(")[0].split(b";")[0].strip(), 86_400)
                    * 1000,
                    ms,
                )
            except ProtocolError:
                pass
        self.at = later(now, ms)
        if status in (401, 407):
            why = "wrong user name or password"
        elif status == 408:
            why = "no answer from the registrar"
        elif status == 503 and not m:
            why = "cannot reach the registrar"
        else:
            why = str(m.reason, "utf-8") if m and _printable(m.reason) else "refused"
        self.agent.listener("registration-failed", self, why)

    def _unregister(self, m, now):
        self._send(0, now)
        if self.state == b"U":
            self.at = later(now, limits.TIMEOUT)

    def _done(self, m, now):
        self.at = None
        self.granted = 0
        self.bound = None
        self.agent.routes[:] = self.outbound
        self.agent.listener("unregistered", self, None)

    def _nothing(self, m, now):
        self.at = None


def _address(host):
    return (b"." in host or b":" in host) and not host.strip(b"0123456789abcdefABCDEF.:")


def _service_route(m):
    # RFC 3608: what the registrar wants on the way out, in order; what cannot be a route is passed
    # over, for every call would fail on it.
    try:
        routes = m.all("service-route")[: limits.ROUTES]
        if sum([len(v) for v in routes]) > limits.ROUTES_MAX:
            return []
        for v in routes:
            if not Uri(address(v)[1]).host:
                return []
        return routes
    except ProtocolError:
        return []


def _printable(b):
    try:
        str(b, "utf-8")
    except UnicodeError:
        return False
    return len(b) > 0


_ACTIONS = {
    ord("r"): Registration._register,
    ord("a"): Registration._accepted,
    ord("f"): Registration._failed,
    ord("h"): Registration._hush,
    ord("m"): Registration._more,
    ord("u"): Registration._unregister,
    ord("d"): Registration._done,
    ord("n"): Registration._nothing,
}
