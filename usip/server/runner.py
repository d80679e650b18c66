# usip: the registrar as a running server, on asyncio
# MIT licence; Copyright (c) 2026 the usip authors

from .. import limits
from ..agent import Agent
from ..driver import Driver
from .authenticate import Authenticator
from .registrar import Registrar


class Server:
    """A registrar with redirect for `users` (name -> password, bytes), on the port's sockets `net`
    at `bind` (host, port).

    `listener(event, subject, detail)` hears who comes and goes. `start()` binds (OSError when the
    port is taken), `close()` ends it."""

    def __init__(self, net, bind, users, realm=b"usip", listener=None, trace=None):
        self.driver = Driver(net, bind)
        self.driver.fault = lambda e: self.listener("error", self, repr(e))
        self.listener = listener or _silent
        self.users = users
        self.agent = Agent(self.driver, self.listener, b"sip:" + realm)
        self.agent.trace = trace
        self.agent.most = limits.SERVER_TRANSACTIONS
        self.registrar = Registrar(self.agent, Authenticator(realm, users.get), self.known)

    def known(self, user):
        return user in self.users

    async def start(self):
        self.driver.start(self.agent)

    async def close(self):
        self.driver.close()


def _silent(event, subject, detail):
    pass
