"""linphonec, linphone's command line, as a peer: driven by what is typed, sound from and to files.

All its sockets are bound to its own address.
"""

import os
import re
import subprocess

import rig as rigs

_CONFIG = """\
[sip]
sip_port=5060
sip_tcp_port=0
sip_tls_port=0
bind_address={ip}
guess_hostname=0
contact=sip:{name}@{ip}
use_ipv6=0
use_info={info}
use_rfc2833={rfc2833}
default_proxy=-1
register_only_when_network_is_up=0
auto_net_state_mon=0
inc_timeout=60

[net]
dns_srv_enabled=0

[rtp]
bind_address={ip}
audio_rtp_port=7078
audio_jitt_comp=60
audio_adaptive_jitt_comp_enabled=0

[sound]
echocancellation=0
echolimiter=0
mic_gain_db=0
playback_gain_db=0
agc=0

[video]
enabled=0
display=0
capture=0

[misc]
uuid=00000000-0000-4000-8000-000000000000

[storage]
backend=sqlite3
uri={home}/linphone.db

[lime]
enabled=0
x3dh_enabled=0
"""
_PROMPT = b"linphonec>"
_CODECS = ("PCMU", 8000), ("PCMA", 8000), ("opus", 48000), ("speex", 16000), ("speex", 8000)

# What it prints: the event, and the line with the event's fields.
_LINES = (
    ("incoming", r"Receiving new incoming call from (?P<peer>.+), assigned id (?P<id>\d+)"),
    ("trying", r"Call (?P<id>\d+) to .* in progress\."),
    ("ringing", r"Call (?P<id>\d+) to .* ringing\."),
    ("connected", r"Call (?P<id>\d+) with .* connected\."),
    ("sound", r"Media streams established with .* for call (?P<id>\d+)"),
    ("paused", r"Call (?P<id>\d+) with .* is now paused\."),
    ("resuming", r"Resuming call (?P<id>\d+) with"),
    ("dtmf", r"Receiving tone (?P<digit>.) from"),
    ("message", r"Message received from (?P<peer>.+?): (?P<text>.*)"),
    ("ended", r"Call (?P<id>\d+) with .* (?:ended|error)(?: \((?P<reason>.*)\))?\."),
)


class Linphone(rigs.Teller):
    """Events are those of the lines above; any other line is an event of that name.

    `play` is what it says, `codec` PCMA or PCMU, `auto` whether it answers by itself, `dtmf` how it
    sends digits: info or rtp. `recorded` is what it heard.
    """

    def __init__(self, folder, name, play, auto=True, codec="PCMA", dtmf="rtp", ip=None):
        self.ip = ip or rigs.addresses().take()
        home = folder / f"{name}-home"
        (home / ".local/share/linphone").mkdir(parents=True)
        self.recorded = folder / f"{name}-heard.wav"
        text = _CONFIG.format(
            ip=self.ip,
            name=name,
            home=home,
            info=int(dtmf == "info"),
            rfc2833=int(dtmf == "rtp"),
        )
        for i, (mime, rate) in enumerate(_CODECS):
            text += f"\n[audio_codec_{i}]\nmime={mime}\nrate={rate}\nenabled={int(mime == codec)}\n"
        (home / "config").write_text(text)
        argv = [rigs.program("linphonec"), "-c", home / "config", "-S"]
        argv += ["-d", "6", "-l", folder / f"{name}.log", *(["-a"] if auto else [])]
        env = {**os.environ, "HOME": str(home), "TERM": "dumb"}
        super().__init__(argv, folder, name, env, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self._typed = 0
        self._listen(self._lines())
        for line in ("soundcard use files", f"play {play}", f"record {self.recorded}"):
            self.do(line)
        self._asks()
        rigs.until(lambda: rigs.bound(self.ip), f"{name} binds")

    @property
    def uri(self):
        return f"sip:{self.name}@{self.ip}"

    def _event(self, line):
        text = line.decode(errors="replace").strip()
        for event, pattern in _LINES:
            found = re.search(pattern, text)
            if found:
                return {"event": event, **found.groupdict()}
        return {"event": text}

    def _lines(self):
        """What it prints line by line; its prompt is a line too."""
        rest = b""
        while True:
            part = os.read(self.process.stdout.fileno(), 4096)
            if not part:
                return
            *lines, rest = (rest + part).replace(_PROMPT, b"\n" + _PROMPT + b"\n").split(b"\n")
            yield from filter(bytes.strip, lines)

    def _asks(self):
        """Wait until it has done all that was typed, and asks for more."""
        prompt = _PROMPT.decode()
        rigs.until(
            lambda: self._over or len(self.all(prompt)) > self._typed, f"{self.name} asks for more"
        )
        assert not self._over, self.tell()

    def do(self, line):
        """Type a line. Not before it asks for one: 5.3 forgets lines that it has not yet done."""
        self._asks()
        self._typed += 1
        self.process.stdin.write(line.encode() + b"\n")
        self.process.stdin.flush()

    def digits(self):
        return "".join(e["digit"] for e in self.all("dtmf"))

    def kill(self):
        super().kill()
        self.process.stdin.close()
