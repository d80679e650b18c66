"""What tshark makes of a pcap."""

import re
import subprocess

from programs import program

_FIELDS = (
    *("frame.number", "frame.protocols", "udp.srcport", "udp.dstport", "_ws.malformed"),
    *("_ws.expert.severity", "_ws.expert.message", "sip.Method", "sip.Status-Code"),
    *("rtp.p_type", "rtpevent.event_id", "ip.src", "ip.dst", "data.data"),
)


class Frame:
    def __init__(self, values):
        self.number, self.protocols, source, target = values[:4]
        self.ports = (source, target)
        self.malformed = bool(values[4]) or "_ws.malformed" in self.protocols
        self.severe = any(int(x) >= 0x800000 for x in values[5].split(",") if x)
        self.expert, self.method, self.status, self.payload_type, self.digit = values[6:11]
        self.ip, self.to, data = values[11:]
        self.keep_alive = data.replace(":", "") == "0d0a0d0a"  # two line ends


class Dissected:
    """What tshark makes of a pcap: frames, and the RTP streams with their losses."""

    def __init__(self, path, port=5060):
        self.port = str(port)
        argv = [program("tshark"), "-n", "-r", str(path), "-T", "fields", "-z", "rtp,streams"]
        argv += ["-d", f"udp.port=={port},sip"]
        # linphone opens a NAT by STUN where its RTP goes. Found by its look it would make tshark
        # forget that there is RTP; taken for RTP of version 0 it does not, and is dissected.
        argv += ["--disable-heuristic", "stun_udp", "-o", "rtp.version0_type:STUN"]
        for name in _FIELDS:
            argv += ["-e", name]
        done = subprocess.run(argv, capture_output=True, text=True, errors="replace", timeout=60)
        assert done.returncode == 0, done.stderr
        text, _, table = done.stdout.partition("====")
        self.frames = []
        for line in text.splitlines():
            if line.strip():
                values = line.split("\t")
                self.frames.append(Frame(values + [""] * (len(_FIELDS) - len(values))))
        # Lost is a number with its per cent in brackets: 0 (0.0%)
        self.streams = [line for line in table.splitlines() if "0x" in line]
        self.lost = [int(re.search(r"(-?\d+) \(-?[\d.]+%\)", x).group(1)) for x in self.streams]

    def problems(self, pieces=False):
        """Sentences; none is good. Of RTP in `pieces` the losses are not told."""
        found = []
        for f in self.frames:
            if f.malformed or f.severe:
                found.append(f"frame {f.number} ({f.protocols}) {f.expert or 'malformed'}")
            kinds = {"sip"} if self.port in f.ports else {"rtp", "rtcp"}
            if not kinds & set(f.protocols.split(":")) and not f.keep_alive:
                found.append(f"frame {f.number} is no {kinds} but {f.protocols}")
        if not pieces:
            found += [f"lost {n}: {line}" for n, line in zip(self.lost, self.streams) if n]
        return found
