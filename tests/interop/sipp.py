"""SIPp, and what it says was said."""

import os
import re

import rig as rigs
import scenario as scenarios


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


class Sipp(rigs.Program):
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
        self.ip = ip or (at or rigs.addresses()).take()
        self.port = port
        self.log = folder / f"{name}.messages"
        file = folder / f"{name}.xml"
        file.write_text(scenarios.scenario(scenario, **values))
        self._error = folder / f"{name}.errors"
        argv = [rigs.program("sipp"), *([to if "]:" in to else f"{to}:5060"] if to else [])]
        argv += ["-sf", file, "-i", self.ip, "-p", port, "-bind_local", "-ci", self.ip]
        argv += ["-mi", self.ip, "-mp", 6000 if port == 5060 else port + 2, "-m", calls]
        argv += ["-timeout", "20", "-timeout_error", "-nostdin"]
        argv += ["-trace_msg", "-message_file", self.log, "-trace_err", "-error_file", self._error]
        if echo:
            argv.append("-rtp_echo")
        env = {**os.environ, "TERM": "dumb"}
        super().__init__(argv, folder, name, env, limit=30, at=at)
        if not to:
            rigs.until(lambda: self.bound() or not self.running, f"{name} binds")
            assert self.running, self.tell()

    @property
    def uri(self):
        port = "" if self.port == 5060 else f":{self.port}"
        return f"sip:sipp@{rigs.literal(self.ip)}{port}"

    def finish(self, seconds=rigs.WAIT_S):
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
