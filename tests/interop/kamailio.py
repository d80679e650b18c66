"""Kamailio, the proxy and registrar."""

import random
import socket

import rig as rigs


class Kamailio(rigs.Program):
    """Kamailio with tests/interop/kamailio/kamailio.cfg and these defines."""

    def __init__(self, folder, name="kamailio", ip=None, at=None, limit=280, **defines):
        self.ip = ip or (at or rigs.addresses()).take()
        run = folder / f"{name}-run"
        run.mkdir(exist_ok=True)
        argv = [rigs.program("kamailio"), "-DD", "-E", "-m", "32", "-M", "4", "-w", run, "-Y", run]
        argv += ["-f", rigs.HERE / "kamailio" / "kamailio.cfg", "-A", f'RIG_IP="{self.ip}"']
        argv += ["-A", f"RIG_LISTEN=udp:{self.ip}:5060"]
        for key, value in defines.items():
            argv += ["-A", key if value is True else f"{key}={value}"]
        super().__init__(argv, folder, name, limit=limit, at=at)
        # It answers later than it binds, but what comes meanwhile waits in its socket.
        rigs.until(self._answers if at is None else self.bound, f"{name} answers")

    def _answers(self):
        assert self.running, self.tell()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            s.bind((self.ip[: self.ip.rindex(".")] + ".1", 0))
            s.settimeout(0.1)
            host, port = s.getsockname()
            text = (
                f"OPTIONS sip:{self.ip} SIP/2.0\r\n"
                f"Via: SIP/2.0/UDP {host}:{port};branch=z9hG4bK{random.random()}\r\n"
                f"From: <sip:rig@{host}>;tag=1\r\nTo: <sip:{self.ip}>\r\nMax-Forwards: 1\r\n"
                f"Call-ID: {random.random()}\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n"
            )
            try:
                s.connect((self.ip, 5060))
                s.send(text.encode())
                return s.recv(2000).startswith(b"SIP/2.0 200")
            except OSError:
                return False

    def account(self, user, password=None):
        """The phone's arguments for an account here; everybody's password is NAME-secret."""
        return (
            *("--account", f"sip:{user}@{self.ip}"),
            *("--password", password or user + "-secret"),
        )
