# usip tests: whole endpoints on the fake network, and the registrar between them
# MIT licence; Copyright (c) 2026 the usip authors

from usip.agent import Agent
from usip.calls import Calls
from usip.digest import Credentials
from usip.pager import Pager
from usip.registration import Registration
from usip.sdp import Session
from usip.server.authenticate import Authenticator
from usip.server.registrar import Registrar
from usip.uri import Uri

HOME = b"192.0.2.5"  # the registrar


class End:
    """An endpoint: an Agent with calls and texts at an address of `world`."""

    def __init__(self, world, ip, user=b"u", password=None, home=HOME, host=None):
        self.world = world
        self.host = host or world.host(ip)
        self.ip = ip
        self.events = []
        self.digits = b""
        self.call = None
        self.answer_at = None  # what an incoming call does by itself
        self.agent = Agent(self.host, self.hear, b"sip:" + user + b"@" + home)
        self.host.agent = self.agent
        self.calls = Calls(self.agent, self.session)
        Pager(self.agent)
        self.registration = None
        if password:
            self.agent.credentials = Credentials(user, password)
            self.agent.home = Uri(b"sip:" + home)
            self.registration = Registration(self.agent, b"sip:" + home)

    @property
    def now(self):
        return self.world.now

    def session(self, call, flow):
        return Session(flow.local[0], 4000)

    def hear(self, event, subject, detail):
        if len(self.events) < 40:
            self.events.append(event)
        if event == "incoming":
            self.call = subject
        elif event == "dtmf":
            self.digits += detail[0]

    def dial(self, uri, **how):
        self.call = self.calls.dial(uri, self.now, **how)
        return self.call

    def busy(self):
        """What is left but for the registration, as text; "" when it is idle."""
        a = self.agent
        parts = [p for p in a.parts if p is not self.registration]
        if not a.transactions and not a.dialogs and not parts:
            return ""
        tx = [(t.method, t.state, t.client) for t in a.transactions]
        return "%s %d dialogs %d parts" % (tx, len(a.dialogs), len(parts))


class Home:
    """The registrar."""

    def __init__(self, world, users, ip=HOME, algorithms=(b"SHA-256", b"MD5"), host=None):
        self.host = host or world.host(ip)
        self.events = []
        self.agent = Agent(self.host, self.hear, b"sip:" + ip)
        self.host.agent = self.agent
        self.users = users
        auth = Authenticator(ip, users.get, algorithms)
        self.registrar = Registrar(self.agent, auth, self.known)

    def known(self, user):
        return user in self.users

    def hear(self, event, subject, detail):
        self.events.append((event, subject))
