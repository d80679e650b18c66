"""RFC 4475 once more, through real sockets: the command-line phone in a process of its own. And the
RFC's own messages, where they lie beside the checkout.
"""

import os
import re
import socket
import subprocess
import sys
from pathlib import Path

import pytest

import runner
import torture
import torture_application
import torture_invalid
import torture_valid
from sip import request
from usip.errors import ProtocolError
from usip.framer import Framer
from usip.message import head, length, parse

sys.path.append(os.path.join(runner.ROOT, "tests", "interop"))

import rig as rigs  # noqa: E402  (found on the path made above)

# tools/phone.py has a board's limits: 2 KB for a datagram. That the message is in order, and what a
# phone with room for it says, tests/unit/test_rfc4475.py tells.
LIMITED = {"longreq": None}
GROUPS = (
    (torture.VALID, torture_valid),
    ([(n, a) for n, _, a, _ in torture.INVALID], torture_invalid),
    (torture.APPLICATION, torture_application),
)
ROWS = [(row[0], LIMITED.get(row[0], row[1]), row[2:]) for rows, _ in GROUPS for row in rows]


def _shared():
    """The RFC's own, where they are: in shared/ beside the folder of the checkout."""
    done = subprocess.run(
        ["git", "rev-parse", "--git-common-dir"], cwd=runner.ROOT, capture_output=True, text=True
    )
    # A work tree of git may lie elsewhere than the checkout that it belongs to.
    own = Path(runner.ROOT, done.stdout.strip() or ".git").resolve().parent
    for root in (Path(runner.ROOT), own):
        folder = root.parent / "shared" / "torture" / "rfc4475"
        if folder.is_dir():
            return folder
    return None


FOLDER = _shared()


def own(name):
    for _, module in GROUPS:
        if hasattr(module, name.replace("-", "_")):
            return getattr(module, name.replace("-", "_"))
    raise KeyError(name)


def rfcs(name):
    return (FOLDER / f"{name}.dat").read_bytes()


SETS = [own, rfcs]


@pytest.fixture(params=SETS, ids=lambda x: x.__name__)
def message(request):
    if request.param is rfcs and not FOLDER:
        pytest.skip("the RFC's own messages are not beside this checkout; ours are tried")
    return request.param


class Sender:
    """A socket that talks to the phone, from the port that SIP's answers go to."""

    def __init__(self):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.ip = rigs.addresses().take()
        self.socket.bind((self.ip, 5060))
        self.socket.settimeout(rigs.WAIT_S)
        self.to = None
        self.n = 0
        self.seen = set()

    def ask(self, data):
        """What comes back before the answer to the next request: the phone answers in order."""
        self.n += 1
        name = f"after-{self.n}".encode()
        after = request(call_id=name, via=b"SIP/2.0/UDP 192.0.2.9;branch=z9hG4bK" + name)
        for x in (data, after):
            self.socket.sendto(x, self.to)
        found = []
        while True:
            x = self.socket.recv(9000)
            if b"Call-ID: " + name + b"\r\n" in x:
                return found
            if x not in self.seen:  # a final answer comes again until its ACK does
                found.append(x)
            self.seen.add(x)

    def give_up(self, data, rings):
        """CANCEL the INVITE in `data`, and ACK what comes of it: the phone is free again."""
        try:
            m = parse(data)
        except ProtocolError:
            return
        if m.method != b"INVITE":
            return
        lines = b""
        for name in ("via", "from", "to", "call-id"):
            lines += b"%s: %s\r\n" % (name.encode(), m.lines(name)[0])
        for method in (b"CANCEL", b"ACK") if rings else (b"ACK",):
            found = self.ask(
                b"%s %s SIP/2.0\r\n%sCSeq: %d %s\r\nMax-Forwards: 70\r\n\r\n"
                % (method, m.uri, lines, m.cseq, method)
            )
            assert [x[:11] for x in found] == {
                b"CANCEL": [b"SIP/2.0 200", b"SIP/2.0 487"],
                b"ACK": [],
            }[method]


@pytest.mark.parametrize("runtime", ["cpython", "unix32"])
def test_answers(tmp_path, runtime, message):
    """A datagram into its socket, the answer out of it, for each of the 49."""
    assert len(ROWS) == 49
    sender = Sender()
    # Of others no more is taken in a second than a few datagrams.
    args = ("--allow", sender.ip, "listen", "--ring")
    try:
        phone = rigs.Phone(tmp_path, "phone", runtime, *args)
    except runner.RunError as error:
        rigs.missing(str(error))
    try:
        sender.to = phone.ready().ip, 5060
        for i, (name, answer, more) in enumerate(ROWS):
            data = message(name)
            if name != "badbranch":  # some have the same: each is a request of its own here
                data = data.replace(b"branch=z9hG4bK", b"branch=z9hG4bKn%d" % i, 1)
            data = re.sub(rb"(?mi)^((call-id|i)\s*:\s*)", rb"\g<1>n%d." % i, data, count=1)
            # 18.2.2: answers go to the port of the Via, and the test has one
            data = data.replace(b".59:5050;", b".59:5060;")
            found = sender.ask(data)
            found = [x for x in found if x[:11] != b"SIP/2.0 100"]  # a slow machine's
            codes = [int(x[8:11]) for x in found]
            assert codes == ([answer] if answer else []), (name, found, phone.tell())
            if message is own and more and more[0]:
                assert more[0] in found[0], name
            sender.give_up(data, answer == 180)
        assert phone.running
        phone.stop()
    finally:
        sender.socket.close()
        phone.kill()


def test_layers(message):
    """Who objects. A liberty that is not taken any more, or is not declared, fails."""
    for name, _ in torture.VALID:
        assert torture.accepted(message(name)), name
    for name, layer, _, why in torture.INVALID:
        assert torture.layer(message(name)) == layer, name
        assert bool(why) == (not layer), name
        if layer and layer not in ("header:to", "header:contact"):  # those are for who needs them
            assert not torture.accepted(message(name)), name


def _stream(pieces):
    f = Framer()
    out = []
    try:
        for piece in pieces:
            new = f.feed(piece)
            while new:
                out += [x if isinstance(x, bytes) else (x.method, x.status, x.body) for x in new]
                new = f.feed(b"")
    except ProtocolError as e:
        return out, e.status
    return out, "waits" if f._buf else "done"


def test_stream(message):
    """Cut at every octet, and octet by octet: always the same, and what a datagram would be."""
    for name, *_ in ROWS:
        data = message(name)
        whole = _stream([data])
        assert _stream([data[i : i + 1] for i in range(len(data))]) == whole, name
        for i in range(1, len(data)):
            assert _stream([data[:i], data[i:]]) == whole, (name, i)
        try:
            m = parse(data)
        except ProtocolError as e:
            assert whole == ([], 513 if name == "clerr" else e.status), name
            continue
        if m.length is None:
            assert whole == ([], 400), name
        else:
            at = head(data)[1]
            assert whole[0][0] == (m.method, m.status, m.body), name
            assert len(m.body) == length(m)
            rest = data[at + len(m.body) :]
            assert (whole[1] == "done" and len(whole[0]) == 1) or rest, (name, whole)
