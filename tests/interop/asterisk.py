"""Asterisk as the PBX of a test: started in a folder of its own, and asked through its AMI."""

import re
import socket
import subprocess

import rig as rigs
from sipp import Said

from peers import asterisk as unpacked

CONF = rigs.HERE / "asterisk"
PUPPET = rigs.HERE / "puppet.py"
AMI = 5038
LIMIT_S = 900  # one serves all tests of a worker
OTHER = {"cpython": "unix32", "unix32": "cpython"}

# The accounts, and what is particular to each: (endpoint, digest, address of record)
DIRECT = {"direct_media": "yes", "rtp_symmetric": "no", "rewrite_contact": "no"}
ACCOUNTS = {
    "door": ({}, {}, {}),
    "indoor": ({}, {}, {}),
    "sha256": ({}, {"supported_algorithms_uas": "SHA-256"}, {}),
    "either": ({}, {"supported_algorithms_uas": "SHA-256,MD5"}, {}),
    "info": ({"dtmf_mode": "info"}, {}, {}),
    "near": (DIRECT, {}, {}),
    "far": (DIRECT, {}, {}),
    # is told by a re-INVITE that the other side holds, instead of hearing music
    "passed": ({"moh_passthrough": "yes"}, {}, {}),
    "asked": ({}, {}, {"qualify_frequency": 1, "qualify_timeout": 0.9}),
    "brief": ({}, {"nonce_lifetime": 1}, {"minimum_expiration": 4}),
    "wide": ({"allow": "!all,g722"}, {}, {}),
    "mailbox": ({"mailboxes": "mailbox@rig"}, {}, {}),
}


def _section(name, kind, rows):
    return [f"[{name}]({kind})", *(f"{k} = {v}" for k, v in rows.items()), ""]


def _accounts():
    lines = []
    for name, (endpoint, auth, aor) in ACCOUNTS.items():
        lines += _section(name, "phone", {"auth": name, "aors": name, **endpoint})
        lines += _section(name, "secret", {"username": name, "password": secret(name), **auth})
        lines += _section(name, "place", aor)
    return "\n".join(lines)


def _dial_plan():
    # Without the letters t and T, with which Asterisk would have to stay in the way of the sound.
    return "".join(f"exten => {x},1,Dial(PJSIP/{x},10)\n" for x in ACCOUNTS)


def secret(user):
    return user + "-secret"


class Asterisk(rigs.Teller):
    """Asterisk in the foreground with tests/interop/asterisk/*.conf. `events` are those of its AMI,
    each with the AMI's own names; `said` and `music` are the sounds that it plays.
    """

    def __init__(self, folder, name="asterisk", ip=None):
        self.ip = ip or rigs.addresses().take()
        try:
            found = unpacked.ensure()
        except unpacked.Missing as error:
            rigs.missing(f"Asterisk: {error} (tools/peers/asterisk.py)")
        self.run = folder / f"{name}-run"
        (self.run / "music").mkdir(parents=True)
        self.said_file = rigs.noise(self.run / "said.wav", seconds=1.2, seed=71)
        self.music_file = rigs.noise(self.run / "music" / "music.wav", seconds=1.5, seed=72)
        values = {"IP": self.ip, "RUN": self.run, "MODULES": found.modules, "DATA": found.data}
        for file in CONF.glob("*.conf"):
            text = re.sub(r"@([A-Z]+)@", lambda m: str(values[m.group(1)]), file.read_text())
            (self.run / file.name).write_text(text)
        (self.run / "accounts.conf").write_text(_accounts())
        (self.run / "phones.conf").write_text(_dial_plan())
        self._asked = 0
        argv = [*found.argv, "-f", "-C", self.run / "asterisk.conf"]
        super().__init__(argv, folder, name, limit=LIMIT_S)
        self._ami = rigs.until(self._connect, f"{name} opens its AMI", 30)
        self._listen(self._blocks(self._ami.makefile("rb")))
        self.ask("Login", Username="rig", Secret="rig")
        self.wait("FullyBooted", 30)

    def _connect(self):
        assert self.running, self.tell()
        try:
            ami = socket.create_connection((self.ip, AMI), 5)
        except OSError:
            return None
        ami.settimeout(None)  # nothing may happen for long, and it is read in a thread
        return ami

    # --- the AMI ---

    @staticmethod
    def _blocks(lines):
        """Lines up to an empty one are an event, or the answer to an action."""
        block = {}
        lines.readline()  # its name and version
        try:
            for line in lines:
                key, _, value = line.decode(errors="replace").strip().partition(": ")
                if key:
                    block[key] = block[key] + "\n" + value if key in block else value
                elif block:
                    yield block
                    block = {}
        except OSError:
            return  # Asterisk has ended

    def _event(self, block):
        return {**block, "event": block.get("Event", "response")}

    def ask(self, action, **fields):
        """The answer to an action, which has to succeed."""
        self._asked += 1
        number = f"ask-{self._asked}"
        rows = {"Action": action, "ActionID": number, **fields}
        text = "".join(f"{k}: {v}\r\n" for k, v in rows.items())
        self._ami.sendall((text + "\r\n").encode())

        def answer():
            with self._news:
                for e in self.events:
                    if e["event"] == "response" and e.get("ActionID") == number:
                        return e

        said = rigs.until(answer, f"{self.name} answers {action}")
        assert said["Response"] in ("Success", "Follows"), said
        return said

    def command(self, text):
        """What a command of the CLI prints."""
        return self.ask("Command", Command=text).get("Output", "")

    # --- as the phones see it ---

    def uri(self, extension):
        return f"sip:{extension}@{self.ip}"

    def account(self, user, password=None):
        """The phone's arguments for an account here."""
        return (
            *("--account", self.uri(user)),
            *("--password", password or secret(user)),
        )

    def rings(self, user, extension="said"):
        """Let it call a phone, which is then connected to an extension."""
        self.ask(
            "Originate",
            **{"Channel": f"PJSIP/{user}", "Context": "rig", "Exten": extension, "Priority": 1},
            **{"Async": "true", "Timeout": 8000, "CallerID": f'"Desk" <{user}desk>'},
        )

    def idle(self):
        """Wait until no call is left of a test."""
        rigs.until(lambda: "0 active channels" in self.command("core show channels"), "idle")

    # --- its end ---

    def tell(self):
        log = self.run / "full"
        text = log.read_text(errors="replace") if log.exists() else "no log"
        return f"--- {self.name}:\n{self.said()[-1500:]}\n{text[-6000:]}"


class Puppet(rigs.Phone):
    """tests/interop/puppet.py: a phone that does what it is told."""

    def __init__(
        self, folder, name, runtime, *args, trace=True, ip=None, port=5060, at=None, **how
    ):
        self.ip = ip or (at or rigs.addresses()).take()
        self.port = port
        self.pcap = folder / f"{name}.pcap"
        if trace:
            args = ["--trace", self.pcap, *args]
        args = ["--json", "--bind", f"{self.ip}:{port}", *args, "listen"]
        how = {"heap": rigs.HEAP.get(runtime), "path": [rigs.ROOT / "tools"], **how}
        rigs.Speaker.__init__(
            *(self, folder, name, runtime, PUPPET, args), stdin=subprocess.PIPE, at=at, **how
        )

    def do(self, order):
        self.process.stdin.write(order.encode() + b"\n")
        self.process.stdin.flush()


def messages(phone):
    """What a phone with -v sent and received, in order."""
    found = []
    for line in phone.said().splitlines():
        if line.startswith(("---> ", "<--- ")):
            found.append([line.startswith("---> "), []])
        elif line.startswith("  ") and found:
            found[-1][1].append(line[2:])
    return [Said(sent, "\n".join(lines)) for sent, lines in found]


def registered(rig, pbx, runtime, user, *args, first=()):
    """A phone that answers once."""
    phone = rig.phone(
        *(runtime, *first, *pbx.account(user), "listen", "--calls", "1", *args), name=user
    )
    phone.wait("registered")
    return phone


def puppet(rig, pbx, runtime, user, *args, **how):
    name = rig._name(user)
    phone = rig._add(Puppet(rig.folder, name, runtime, *pbx.account(user), *args, **how))
    phone.wait("registered")
    return phone
