"""Which MicroPython is built: releases by name, and what is said when Debian's suites move on."""

import subprocess

import pytest

from runtimes import build, debian, recipes

NEWEST, OLDER = list(debian.PINS)[:2]
SHORT = OLDER.rpartition(".")[0]

# What apt-cache says; the hashes of the .dsc are the first of each list.
SHOWSRC = f"""\
Package: micropython
Version: 9.1.0+ds-1
Files:
 {"1" * 32} 2116 micropython_9.1.0+ds-1.dsc
 {"2" * 32} 5983992 micropython_9.1.0+ds.orig.tar.xz
Checksums-Sha1:
 {"3" * 40} 2116 micropython_9.1.0+ds-1.dsc
Checksums-Sha256:
 {"a" * 64} 2116 micropython_9.1.0+ds-1.dsc
 {"b" * 64} 5983992 micropython_9.1.0+ds.orig.tar.xz
Homepage: https://micropython.org/

Package: micropython
Version: 9.0.0+ds-2
Checksums-Sha256:
 {"c" * 64} 2116 micropython_9.0.0+ds-2.dsc

"""


def test_names():
    assert recipes.split("unix32") == ("unix32", None)
    assert recipes.split(f"unix32-{SHORT}-usip") == ("unix32", OLDER)
    assert recipes.split("qemu-arm-stock") == ("qemu-arm-stock", None)
    assert build.own_cross(f"unix64-{SHORT}-usip") == f"mpy-cross-{SHORT}"
    for wrong in ("unix32-1.2", f"qemu-arm-{SHORT}", "unix16"):
        with pytest.raises(build.Missing, match=f"unknown runtime '{wrong}'; there are: mpy-cross"):
            recipes.recipe(wrong, None)


@pytest.fixture
def moved_on(monkeypatch, tmp_path):
    """A machine of Debian's whose suites have other versions than are pinned."""
    monkeypatch.setattr(debian, "CACHE", tmp_path)
    monkeypatch.setattr(debian, "need", lambda packages: None)
    monkeypatch.setattr(debian, "private_apt", lambda suite, where: {})
    monkeypatch.delenv("MICROPYTHON", raising=False)
    said = subprocess.CompletedProcess([], 0, SHOWSRC, "")
    monkeypatch.setattr(debian.subprocess, "run", lambda *args, **how: said)


def test_suites_that_moved_on(moved_on, capsys):
    with pytest.raises(build.Missing, match="is not to be had from"):
        debian.fetch_source(NEWEST)
    told = capsys.readouterr().err
    for suite in debian.PINS[NEWEST][1]:
        assert f"Debian {suite} has no micropython {debian.PINS[NEWEST][0]} any more" in told
    assert f"9.1.0+ds-1 (sha256 of its .dsc: {'a' * 64})" in told
    assert f"9.0.0+ds-2 (sha256 of its .dsc: {'c' * 64})" in told
    assert "tools/runtimes/debian.py" in told


def test_an_older_release_stands_in_for_no_other(monkeypatch, tmp_path):
    """One that was built for itself is not taken for the newest, which is not built yet."""
    monkeypatch.setattr(build, "CACHE", tmp_path)
    monkeypatch.setattr(build, "kind", lambda: "debian")
    own = build.location(f"unix32-{SHORT}")
    own.parent.mkdir(parents=True)
    own.touch()
    assert build.existing(f"unix32-{SHORT}") == own and own.parent.name == OLDER
    assert build.existing("unix32") is None
    # But when the newest was not to be had, what was built in its place is.
    instead = build.location("unix32", OLDER)
    instead.touch()
    assert build.existing("unix32") == instead != own


def test_other_sources(monkeypatch, tmp_path):
    """A tree of the user's is one release, and so is what is installed."""
    (tmp_path / "ports" / "unix").mkdir(parents=True)
    (tmp_path / "ports" / "unix" / "Makefile").touch()
    monkeypatch.setenv("MICROPYTHON", str(tmp_path))
    with pytest.raises(build.Missing, match=f"unix32-{SHORT} is not made from MICROPYTHON's tree"):
        build.existing(f"unix32-{SHORT}")
    monkeypatch.delenv("MICROPYTHON")
    monkeypatch.setattr(build, "kind", lambda: "path")
    with pytest.raises(build.Missing, match=f"unix32-{SHORT} is built from source"):
        build.existing(f"unix32-{SHORT}")
