# usip: a SIP endpoint for doorbells, intercoms and other small devices
# MIT licence; Copyright (c) 2026 the usip authors

__version__ = "0.1.0"

# Names are loaded when they are first used: a ringer does not pay for what it does not use.
_NAMES = {
    "Phone": "phone",
    "Agent": "agent",
    "Calls": "calls",
    "Registration": "registration",
    "Pager": "pager",
    "Trace": "trace",
    "Supervisor": "supervisor",
    "UsageError": "errors",
    "ProtocolError": "errors",
}


def __getattr__(name):
    module = _NAMES.get(name)
    if module is None:
        # MicroPython asks here for submodules too (`from usip import sdp`).
        try:
            return getattr(__import__("usip." + name), name)
        except ImportError:
            raise AttributeError(name)
    value = getattr(__import__("usip." + module, None, None, (name,)), name)
    globals()[name] = value
    return value
