"""baresip as a peer: without a screen or a sound card, driven over its ctrl_tcp.

Its microphone and its loudspeaker are files. Its SIP and its control have an address of their own.
Its RTP sockets are bound to all addresses: so what it sends comes from 127.0.0.1, as from behind a
NAT that its SDP does not know, and its ports keep clear of the phone's and of SIPp's.
"""

import itertools
import json
import queue
import re
import socket
import subprocess
from pathlib import Path

import rig as rigs

_CONTROL = 4444
_CONFIG = """\
poll_method		epoll
sip_listen		{ip}:5060
call_local_timeout	60
call_max_calls		{calls}
audio_source		aufile,{play}
audio_player		aubridge,nowhere
audio_alert		aubridge,nowhere
audio_level		no
ausrc_srate		{rate}
auplay_srate		{rate}
ausrc_channels		1
auplay_channels		1
ausrc_format		s16
auplay_format		s16
auenc_format		s16
audec_format		s16
audio_buffer		20-160
rtp_ports		20000-23999
jitter_buffer_delay	0-10
net_interface		{ip}
snd_path		{folder}
statmode_default	off
redial_attempts		0
module_path		{modules}
module			g711.so
module			g722.so
module			aufile.so
module			aubridge.so
module			sndfile.so
module			uuid.so
module			stdio.so
module_app		account.so
module_app		menu.so
module_app		ctrl_tcp.so
module_app		contact.so
ctrl_tcp_listen		{ip}:4444
"""


def version():
    """(1, 0, 0) and the like."""
    return tuple(int(x) for x in re.findall(r"\d+", rigs.version("baresip")))


class Baresip(rigs.Teller):
    """Events have baresip's names: CALL_ESTABLISHED, CALL_CLOSED, CALL_DTMF_START, ...

    `play` is what it says; when that is over it hangs up. `answer` is manual or auto, `codecs` its
    order of preference, `dtmf` rtpevent or info, `calls` how many it takes, `contact` who gets its
    texts.
    """

    def __init__(
        self,
        folder,
        name,
        play,
        answer="auto",
        codecs="pcma,pcmu",
        dtmf="rtpevent",
        calls=4,
        contact=None,
        ip=None,
        rate=8000,
        **more,
    ):
        self.ip = ip or rigs.addresses().take()
        self.home = folder / f"{name}-home"
        self.home.mkdir()
        found = Path(rigs.program("baresip"))
        config = _CONFIG.format(
            ip=self.ip,
            calls=calls,
            rate=rate,
            play=play,
            folder=self.home,
            modules=found.parent.parent / "lib/baresip/modules",
        )
        (self.home / "config").write_text(config)
        account = f"<sip:{name}@{self.ip};transport=udp>;regint=0;answermode={answer}"
        account += f";audio_codecs={codecs};dtmfmode={dtmf}"
        (self.home / "accounts").write_text(account + "\n")
        (self.home / "contacts").write_text(f'"Peer" <{contact}>\n' if contact else "")
        (self.home / "uuid").write_text("00000000-0000-4000-8000-000000000000")
        # Its user interface shows the texts that come; it stays while its input does.
        argv = [found, "-4", "-f", self.home]
        super().__init__(argv, folder, name, stdin=subprocess.PIPE, **more)
        self._tokens = itertools.count(1)
        self._responses = queue.Queue()
        self._control = rigs.until(self._connected, f"{name} listens")
        self._listen(self._said())

    @property
    def uri(self):
        return f"sip:{self.name}@{self.ip}"

    def _connected(self):
        assert self.running, self.tell()
        try:
            s = socket.create_connection((self.ip, _CONTROL), timeout=5)
        except OSError:
            return None
        s.settimeout(None)  # the program is ended, and this with it
        return s

    def _said(self):
        """The events out of netstrings of JSON; what is a response goes to do()."""
        stream = self._control.makefile("rb")
        while True:
            size = b""
            while size[-1:] != b":":
                byte = stream.read(1)
                if not byte:
                    return
                size += byte
            said = json.loads(stream.read(int(size[:-1]) + 1)[:-1].decode(errors="replace"))
            if said.get("response"):
                self._responses.put(said)
            else:
                yield said

    def _event(self, line):
        return {**line, "event": line.get("type", "message")}

    def do(self, command, params=""):
        """A command of its menu; what it answers."""
        token = str(next(self._tokens))
        text = json.dumps({"command": command, "params": params, "token": token}).encode()
        self._control.sendall(b"%d:%s," % (len(text), text))
        while True:
            response = self._responses.get(timeout=rigs.WAIT_S)
            if response.get("token") == token:
                # 1.1 resumes and says that it cannot.
                good = response["ok"] or command == "resume"
                assert good, f"{command} {params}: {response}\n{self.tell()}"
                return response.get("data", "")

    def dial(self, uri):
        self.do("dial", uri)

    def digits(self):
        return "".join(e["param"] for e in self.all("CALL_DTMF_START"))

    def stop(self):
        """End it; then the recordings are whole."""
        self.do("quit")
        status = self.join(rigs.WAIT_S)
        assert status == 0, f"exit status {status}\n{self.tell()}"
        self._control.close()

    def recordings(self):
        """What it heard, call by call. Hold and resume make a file each."""
        return sorted(self.home.glob("dump-*-dec.wav"))

    def kill(self):
        super().kill()
        self.process.stdin.close()
        self._control.close()
