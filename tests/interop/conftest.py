"""The rig that a test gets, and the table of results: build/interop.md."""

import contextlib
import fcntl
import json
import os
import shutil
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import rig as rigs
from kamailio import Kamailio
from netpair import NetPair
from sipp import Sipp

import runner

RUNTIMES = ("cpython", "unix32")
MEMORY = "/dev/shm"
BOARDS = ("qemu-arm", "qemu-rv32")  # for test_bare_metal.py


def pytest_configure(config):
    config.addinivalue_line("markers", "peer(name): another peer than the PEER of the test's file")


def pytest_generate_tests(metafunc):
    if "runtime" in metafunc.fixturenames:
        metafunc.parametrize("runtime", RUNTIMES)


class Rig:
    """Starts programs for one test, and ends those that are left at its end."""

    def __init__(self, folder):
        self.folder = folder
        self.programs = []
        self.notes = []
        self.pieces = False  # the peer's RTP has jumps in its numbers: they are no loss
        self._memory = None

    def _add(self, program):
        self.programs.append(program)
        return program

    def ip(self):
        return rigs.addresses().take()

    def phone(self, runtime, *args, name="phone", **more):
        name = self._name(name)
        return self._add(rigs.Phone(self.folder, name, runtime, *args, **more))

    def listener(self, runtime, *args, **more):
        """A phone that can be called."""
        return self.phone(runtime, *more.pop("first", ()), "listen", *args, **more).ready()

    def sipp(self, scenario, to=None, **more):
        return self._add(Sipp(self.folder, self._name(scenario), scenario, to, **more))

    def doorbell(self, *args):
        return self._add(rigs.Doorbell(self.folder, self._name("door"), *args))

    def kamailio(self, **more):
        return self._add(Kamailio(self.folder, self._name("kamailio"), **more))

    def _name(self, name):
        taken = [p.name for p in self.programs]
        names = [name] + [f"{name}{i}" for i in range(2, 10)]
        return [x for x in names if x not in taken][0]

    def net(self, **more):
        """Two networks with a bad one between them: programs go `at` its sides."""
        return self._add(NetPair(self.folder, self._name("net"), **more))

    def noise(self, name="played.wav", **more):
        return rigs.noise(self.folder / name, **more)

    def figures(self, name, found):
        """Print what was measured, and keep it in build/sound/."""
        folder = rigs.ROOT / "build" / "sound"
        folder.mkdir(parents=True, exist_ok=True)
        text = json.dumps(found, indent=1)
        (folder / f"{name}.json").write_text(text + "\n")
        print(text)

    def note(self, text):
        """A figure for the table of results."""
        self.notes.append(text)

    def in_memory(self):
        """Write all files to memory: a disk may keep a program waiting for a quarter of a second,
        and who measures sound would measure that. At the end they are where they always are."""
        if self._memory is None and os.access(MEMORY, os.W_OK):
            if shutil.disk_usage(MEMORY).free > 1 << 30:
                self._memory = self.folder
                self.folder = Path(tempfile.mkdtemp(prefix="usip-", dir=MEMORY))

    def end(self):
        for program in reversed(self.programs):
            program.kill()

    def put_away(self):
        if self._memory:
            shutil.copytree(self.folder, self._memory, dirs_exist_ok=True)
            shutil.rmtree(self.folder)

    def dissect(self):
        """What tshark finds wrong in what the phones traced."""
        phones = [p for p in self.programs if isinstance(p, rigs.Phone) and p.pcap.exists()]

        def look(p):
            found = rigs.Dissected(p.pcap, p.port).problems(self.pieces)
            return [f"{p.name}: {x}" for x in found]

        with ThreadPoolExecutor() as pool:  # tshark needs longer to start than to look
            return [x for found in pool.map(look, phones) for x in found]


@pytest.fixture(scope="session", autouse=True)
def built():
    """What has to be built is built before a program waits for another that is being built."""
    for how in (("unix32", rigs.PHONE), ("unix64", rigs.PHONE), ("unix32", rigs.DOORBELL)):
        with contextlib.suppress(runner.RunError):  # said by the test that wants it
            runner.command(*how, frozen=how[1] == rigs.DOORBELL)


@pytest.fixture
def rig(request):
    worker = os.environ.get("PYTEST_XDIST_WORKER", "main")
    folder = rigs.BUILD / worker / request.node.name.replace("/", "_")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    made = Rig(folder)
    request.node.rig = made
    try:
        yield made
    finally:
        made.end()
    try:
        problems = made.dissect()
    finally:
        made.put_away()
    assert not problems, "\n".join(problems[:20])


@pytest.fixture(scope="module")
def asterisk_server(tmp_path_factory):
    """One Asterisk for all tests that do not want one of their own."""
    from asterisk import Asterisk  # not everybody's tests need it

    started = Asterisk(tmp_path_factory.mktemp("asterisk"))
    yield started
    started.kill()


@pytest.fixture
def pbx(asterisk_server, rig):
    """It, without a call before and after the test."""
    yield asterisk_server.fresh()
    try:
        asterisk_server.idle()
    finally:
        asterisk_server.command("channel request hangup all")


@pytest.fixture(scope="module")
def proxy(tmp_path_factory):
    """One Kamailio for all tests that do not want one of their own."""
    started = Kamailio(tmp_path_factory.mktemp("kamailio"))
    yield started
    started.kill()


# ---------------------------------------------------------------------------------- results


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    outcome = yield
    report = outcome.get_result()
    if Path(item.path).parent != rigs.HERE:
        return
    rows = item.config.stash.setdefault(ROWS, {})
    row = rows.get(item.nodeid)
    if row is None:
        module = item.module
        about = (getattr(item.function, "__doc__", "") or item.name).strip().split("\n")[0]
        words = item.callspec.id if hasattr(item, "callspec") else ""
        runtime = [r for r in (*RUNTIMES, *BOARDS) if r in words]
        for r in runtime:
            words = words.replace(r, "")
        words = words.strip("-").replace("--", "-")
        other = item.get_closest_marker("peer")
        row = rows[item.nodeid] = {
            "peer": rigs.version(other.args[0] if other else module.PEER),
            "feature": about.rstrip("."),
            "variant": words,
            "runtime": " ".join(runtime) or " ".join(RUNTIMES),
            "result": "passed",
            "seconds": 0.0,
            "note": "",
        }
    row["seconds"] = round(row["seconds"] + report.duration, 2)
    if hasattr(report, "wasxfail"):
        row["result"] = "known to fail" if report.skipped else "passed"
        row["note"] = report.wasxfail
    elif report.outcome != "passed" and row["result"] == "passed":
        row["result"] = report.outcome
        text = str(report.longrepr[2]) if report.skipped else call.excinfo.exconly()
        row["note"] = text.split("\n")[0][:150]
    elif getattr(item, "rig", None) and row["result"] == "passed":
        row["note"] = "; ".join(item.rig.notes)


ROWS = pytest.StashKey()


def pytest_sessionfinish(session):
    """Each process adds its rows to those of this test run; the last one has written them all.

    build/interop.md has this run, build/interop/results.json the last run of each test:
    tools/peers_table.py makes the tables of the documents from it.
    """
    rows = session.config.stash.get(ROWS, None)
    if not rows:
        return
    rigs.BUILD.mkdir(parents=True, exist_ok=True)
    run = os.environ.get("PYTEST_XDIST_TESTRUNUID", str(os.getpid()))
    with open(rigs.BUILD / ".lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        file = rigs.BUILD / "results.json"
        try:
            before = json.loads(file.read_text())["rows"]
        except (OSError, ValueError):
            before = {}
        for row in rows.values():
            row.update(run=run, day=time.strftime("%Y-%m-%d", time.gmtime()))
        how = session.config.option
        some = how.keyword or how.markexpr or getattr(how, "lf", False) or how.deselect
        if not some and not any("::" in x for x in session.config.args):
            # Whole files ran: what else there was of them is no test any more.
            files = {node.partition("::")[0] for node in rows}
            before = {
                node: row
                for node, row in before.items()
                if node.partition("::")[0] not in files or row.get("run") == run
            }
        rows = {**before, **rows}
        file.write_text(json.dumps({"rows": rows}, indent=1))
        rows = {node: row for node, row in rows.items() if row.get("run") == run}
        (rigs.BUILD.parent / "interop.md").write_text(_table(rows))


def _table(rows):
    lines = ["# Interop: what was tried against real peers, and how it went", ""]
    lines += ["| peer | feature | runtime | result | s | note |", "|---|---|---|---|---|---|"]
    for node in sorted(rows):
        r = rows[node]
        feature = r["feature"] + (f" ({r['variant']})" if r["variant"] else "")
        cells = [r["peer"], feature, *(r[k] for k in ("runtime", "result", "seconds", "note"))]
        lines.append("| " + " | ".join(str(c).replace("|", "/") for c in cells) + " |")
    return "\n".join(lines) + "\n"
