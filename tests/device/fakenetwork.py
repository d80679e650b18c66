"""MicroPython's `network`, in memory. install() puts it in its place.

`script` says how one try after another to join goes:

ok        after 2 s
stuck     it connects for ever
wrong     the access point refuses
error     connect() raises OSError("Wifi Internal Error")
noaddr    it is connected but DHCP gives no address
"""

import sys

import fakemachine

STA_IF = 0
script = []


def hostname(name):
    WLAN.name = name


class WLAN:
    PM_NONE = 0
    PM_PERFORMANCE = 1
    name = None
    can_save = True

    def __init__(self, interface=STA_IF):
        self.on = False
        self.way = None
        self.tries = 0
        self.since = 0
        self.address = "192.0.2.7"
        self.settings = []
        self.log = []

    def active(self, on):
        if on != self.on:
            self.log.append("on" if on else "off")
        self.on = on
        if not on:
            self.way = None

    def connect(self, ssid, key):
        assert self.on
        if self.way is not None:
            raise OSError("Wifi Internal Error")
        self.way = script.pop(0) if script else "ok"
        self.tries += 1
        self.since = fakemachine.ms()
        if self.way == "error":
            raise OSError("Wifi Internal Error")

    def disconnect(self):
        self.way = None

    def lose(self):
        """The access point is gone."""
        self.way = "stuck"

    def isconnected(self):
        if self.way == "noaddr":
            return True
        return self.way == "ok" and fakemachine.ms() - self.since >= 2000

    def ifconfig(self):
        up = self.way == "ok" and self.isconnected()
        return (self.address if up else "0.0.0.0", "255.255.255.0", "192.0.2.1", "192.0.2.1")

    def config(self, pm):
        if not WLAN.can_save:
            raise ValueError("unknown config param")
        self.settings.append(pm)


def install():
    sys.modules["network"] = sys.modules[__name__]
