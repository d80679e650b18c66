"""usip compiled for boards: every architecture, every port, and what comes out runs."""

import os
import subprocess
import sys

import pytest
import shared

import runner

sys.path.append(os.path.join(runner.ROOT, "tools"))

import stage  # noqa: E402  (found on the path made above)

# What mpy-cross writes into the third byte of a file: MicroPython's MP_NATIVE_ARCH_*, above the
# sub-version of the format.
CODES = {
    "bytecode": 0,
    "armv6m": 4,
    "armv7m": 5,
    "armv7em": 6,
    "armv7emsp": 7,
    "xtensawin": 10,
    "rv32imc": 11,
}


@pytest.fixture(autouse=True)
def mpy_cross():
    shared.compiler()


@pytest.mark.parametrize("arch", [*stage.ARCHES, "armv7m"])
def test_everything_compiles(arch, tmp_path):
    folder, total = stage.stage(arch, stage.all_ports(), tmp_path)
    sources = [x for p in stage.packages(stage.all_ports()) for x in p.rglob("*.py")]
    files = sorted(folder.rglob("*.mpy"))
    assert len(files) == len(sources) > 45
    assert sum(x.stat().st_size for x in files) == total
    for file in files:
        magic, version, flags = file.read_bytes()[:3]
        assert (magic, version) == (ord("M"), 6), file
        native = file.stem.endswith("_viper")
        assert flags >> 2 == CODES[arch if native else "bytecode"], file
    assert [x.name for x in folder.iterdir() if x.is_file()] == []  # it is copied as it is


def test_unknown_names_leave_what_was_there(tmp_path):
    folder, _ = stage.stage("armv6m", (), tmp_path)
    with pytest.raises(runner.RunError, match="mpy-cross has no -march=z80"):
        stage.stage("z80", (), tmp_path)
    with pytest.raises(runner.RunError, match="no port 'toaster': .*qemu"):
        stage.stage("armv6m", ["toaster"], tmp_path)
    assert list(tmp_path.iterdir()) == [folder] and (folder / "usip" / "call.mpy").exists()


PROGRAM = """\
import sys

sys.path.reverse()  # the compiled tree before the sources
from usip import message, md5
from usip.media import g711

assert message.__file__.endswith(".mpy"), message.__file__
assert md5.md5(b"abc")[:3] == b"\\x90\\x01\\x50"
out = bytearray(160)
g711.encode(8, bytearray(320), 160, out, 0)
print(sorted([x[-6:] for x in sys.modules if x[-6:] in ("_viper", "_plain")]), out[:2])
"""


@pytest.mark.parametrize("runtime", runner.WASM)
@pytest.mark.parametrize("arch", ["armv7m", "xtensawin"])
def test_one_tree_for_all_releases(arch, runtime, tmp_path):
    """Compiled by one mpy-cross it is read from 1.23 on; machine code of others is passed over."""
    folder, _ = stage.stage(arch, (), tmp_path)
    program = tmp_path / "program.py"
    program.write_text(PROGRAM)
    argv, env = shared.command(runtime, program, path=[folder])
    done = subprocess.run(argv, env=env, capture_output=True, text=True, timeout=60)
    assert done.stdout == "['_plain', '_plain'] bytearray(b'\\xd5\\xd5')\n", done.stderr
