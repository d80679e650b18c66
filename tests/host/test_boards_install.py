"""make install on boards that are folders: what it asks them first, and what it does then."""

import builtins
import os
import shutil
import sys
import types
from pathlib import Path

import pytest
import shared

import runner

sys.path += [os.path.join(runner.ROOT, "tools"), os.path.join(runner.ROOT, "tests", "device")]

import boards  # noqa: E402  (found on the path made above)
import fakemachine  # noqa: E402

STOCK_BOOT = "# This file is executed on every boot\n#import esp\n"
CONFIG = "ACCOUNT = 1\n"


class Board:
    """The other end of mpremote. `log` is what was done to it, with the watchdogs that were started
    and whether `bench` was there."""

    def __init__(self, folder, platform, free=2_000_000, frozen=False, **files):
        self.disk = folder / "disk"
        self.disk.mkdir()
        for name, text in files.items():
            (self.disk / name.replace("_", ".")).write_text(text)
        self.platform = platform
        self.frozen = frozen
        self.log = []
        self.away = 0  # so often it is not there yet after a reset
        self.modules = {
            "gc": types.SimpleNamespace(collect=lambda: 0, mem_free=lambda: free),
            "sys": types.SimpleNamespace(platform=platform),
            "machine": types.SimpleNamespace(WDT=self.watchdog),
        }

    def watchdog(self, timeout):
        assert self.platform == "esp32" or timeout <= 8388
        self.log.append(f"watchdog {timeout}")

    def find(self, name, *more):
        if name == "usip":
            if not self.frozen:
                raise ImportError
            return types.SimpleNamespace(__file__="usip/__init__.py")
        return self.modules.get(name) or __import__(name, *more)

    def mpremote(self, device, *args):
        if self.away:
            self.away -= 1
            raise boards.Failed("no such device")
        if args[0] == "exec":
            said = []
            names = {**vars(builtins), "__import__": self.find, "print": lambda *x: said.append(x)}
            was = os.getcwd()
            os.chdir(self.disk)
            try:
                exec(args[1].replace("'/", f"'{self.disk}/"), {"__builtins__": names})
            finally:
                os.chdir(was)
            return "\n".join(" ".join(map(str, x)) for x in said)
        bench = " at the bench" if (self.disk / "bench").exists() else ""
        self.log.append(args[0] + bench)
        if args[0] == "fs":
            shutil.copytree(args[3][:-2], self.disk, dirs_exist_ok=True)
        else:
            self.away = 3
        return ""

    def files(self):
        return {str(x.relative_to(self.disk)) for x in self.disk.rglob("*") if x.is_file()}


@pytest.fixture
def install(tmp_path, monkeypatch, capsys):
    """install(BOARD, platform, ...): a Board that it was tried on, and what was said."""
    shared.compiler()
    monkeypatch.setattr(boards.time, "sleep", lambda s: None)
    config = tmp_path / "config.py"
    config.write_text(CONFIG)

    def tried(name, platform, **how):
        board = Board(tmp_path, platform, **how)
        monkeypatch.setattr(boards, "mpremote", board.mpremote)
        try:
            boards.install(name, "/dev/ttyX", config, True)
        except boards.Failed as error:
            return board, str(error)
        return board, capsys.readouterr().out

    return tried


def test_a_new_board(install):
    board, said = install("ESP32_DEVKIT_I2S", "esp32", boot_py=STOCK_BOOT)
    assert board.log == ["fs", "reset"] and said.endswith("started\n")
    assert {"lib/usip/phone.mpy", "board.mpy", "door.mpy", "main.py", "config.py"} < board.files()
    assert "Pin(23, Pin.OUT, value=0)" in (board.disk / "boot.py").read_text()


def test_a_running_door_on_an_esp32_has_an_hour(install):
    # Whatever watchdog its program has started: a soft reset stops none.
    board, _ = install("ESP32_DEVKIT_I2S", "esp32", main_py="import door\n")
    assert board.log == ["watchdog 3600000", "fs", "reset"]


def test_a_running_door_on_an_rp2_is_caught_without_a_watchdog(install):
    board, _ = install("RPI_PICO_W_I2S", "rp2", main_py="import door\n", free=300_000)
    assert board.log == ["reset at the bench", "fs at the bench", "reset"]
    assert "bench" not in board.files()


def test_usip_in_the_firmware_is_not_copied(install):
    board, _ = install("ESP32_C3_RING", "esp32", frozen=True, free=100_000)
    assert board.files() == {"board.mpy", "door.mpy", "main.py", "config.py", "boot.py"}


def test_a_small_heap_is_refused_before_anything_is_copied(install):
    board, said = install("ESP32_DEVKIT_I2S", "esp32", free=134_000, boot_py=STOCK_BOOT)
    assert "130 KB of heap are not enough" in said and "make firmware" in said
    assert board.log == [] and board.files() == {"boot.py"}


@pytest.mark.parametrize("name", ["RPI_PICO_W_I2S", "ESP32_DEVKIT_I2S"])
def test_a_door_that_is_refused_goes_on(install, name):
    platform = boards.wiring.read(name)["port"]
    board, said = install(name, platform, free=100_000, main_py="import door\n")
    assert "not enough" in said and board.log[-1] == "reset"
    assert board.files() == {"main.py"}


def test_copying_that_fails_leaves_no_bench(install, monkeypatch):
    monkeypatch.setattr(boards, "send", lambda *x: (_ for _ in ()).throw(boards.Failed("damaged")))
    board, said = install("RPI_PICO_W_I2S", "rp2", free=300_000, main_py="import door\n")
    assert said == "damaged" and board.files() == {"main.py"}


def test_a_boot_file_of_the_users_stays(install):
    board, said = install("ESP32_DEVKIT_I2S", "esp32", boot_py="import webrepl\n")
    assert "put 'from machine import Pin; Pin(23, Pin.OUT, value=0)' first in it" in said
    assert (board.disk / "boot.py").read_text() == "import webrepl\n"


def test_a_boot_file_of_the_users_that_does_it(tmp_path):
    board = boards.wiring.read("ESP32_DEVKIT_I2S")
    own = "from machine import Pin\nPin(23, Pin.OUT, value=0)\nimport webrepl\n"
    assert not boards.boot_file(board, own, tmp_path) and not list(tmp_path.iterdir())


@pytest.mark.parametrize("on", [1, 0])
def test_boot_py_switches_off(on, monkeypatch):
    """The relay was on when the program ended: its timer is gone, its pin as it was."""
    monkeypatch.setitem(sys.modules, "machine", fakemachine)
    fakemachine.clear()
    fakemachine.freeze()
    pin = fakemachine.Pin(23, fakemachine.Pin.OUT, value=on)
    exec(boards.BOOT % (23, 1 - on), {})
    assert pin() == 1 - on
    fakemachine.clear()


def test_main_py_leaves_the_collector_as_it_was(monkeypatch):
    said = []
    names = ("board", "door", "usip", "usip.phone", "usip.supervisor", "usip.door.opener")
    for name in (*names, "usip.door"):
        monkeypatch.setitem(sys.modules, name, types.ModuleType(name))
    collector = types.SimpleNamespace(collect=lambda: said.append(0), threshold=said.append)
    monkeypatch.setitem(sys.modules, "gc", collector)
    exec(boards.MAIN, {})
    assert said == [8192, 0, -1]


def test_mpremote_is_asked_for_first(tmp_path, monkeypatch):
    monkeypatch.setattr(boards.importlib.util, "find_spec", lambda name: None)
    monkeypatch.setattr(boards, "tree", lambda *x: pytest.fail("compiled"))
    with pytest.raises(boards.Failed, match="mpremote is not installed"):
        boards.install("ESP32_DEVKIT_I2S", "/dev/ttyX", None, True)


def test_firmware_wants_a_tree(tmp_path):
    with pytest.raises(boards.Failed, match="which MicroPython"):
        boards.firmware("ESP32_DEVKIT_I2S", "")
    (tmp_path / "ports" / "esp32").mkdir(parents=True)
    with pytest.raises(boards.Failed, match="no MicroPython tree"):
        boards.firmware("ESP32_DEVKIT_I2S", str(tmp_path))


@pytest.mark.parametrize(
    "name, variant, wanted",
    [
        ("ESP32_DEVKIT_I2S", None, None),
        ("ESP32_DEVKIT_I2S", "SPIRAM", "SPIRAM"),
        ("AUDIOKIT_ES8388", None, "SPIRAM"),  # as its board.py says
    ],
)
def test_firmware_of_a_variant(tmp_path, monkeypatch, name, variant, wanted):
    for folder in ("ports/esp32", "mpy-cross"):
        (tmp_path / folder).mkdir(parents=True)
    called = []
    monkeypatch.setattr(boards, "ROOT", Path(tmp_path))
    monkeypatch.setattr(boards, "run", lambda argv, *more, **how: called.append(argv))
    made = "build-SPIRAM" if wanted else "build"
    with pytest.raises(boards.Failed, match=f"left no firmware in .*/{made}$"):
        boards.firmware(name, str(tmp_path), variant)
    variants = [x for x in called[-1] if str(x).startswith("BOARD_VARIANT")]
    assert variants == ([f"BOARD_VARIANT={wanted}"] if wanted else [])
