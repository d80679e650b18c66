"""Debian's packages: installed ones, and MicroPython's source out of its archive.

The mirror is the one that this machine's apt uses; apt checks the archive's signature.
"""

import contextlib
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
CACHE = Path(os.environ.get("USIP_CACHE") or ROOT / "build" / "runtimes").resolve()
KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"
STARTED = time.monotonic()

# MicroPython version -> Debian version, suites to look in, sha256 of the .dsc (which holds the
# tarballs' own). The first is what unix32 and the others are made from, the next ones are
# unix32-1.25 and so on. When the first has left the mirror (its suites move on), the second is
# taken for all.
PINS = {
    "1.26.1": (
        "1.26.1+ds-1",
        ("forky", "sid"),
        "5c3feac74c0ad2ec2a8810b04e223bd634023bd24c5e5e10b545ba05a6b74a65",
    ),
    "1.25.0": (
        "1.25.0+ds-1",
        ("trixie",),
        "8c7c406be88a6f3bc19e694eb0bbc5841112243fdf2b5a296e000d8fdc5f3c34",
    ),
}
# What has to be on PATH where there is no apt to ask.
PROGRAMS = {
    "gcc": "gcc",
    "make": "make",
    "gcc-arm-none-eabi": "arm-none-eabi-gcc",
    "gcc-riscv64-unknown-elf": "riscv64-unknown-elf-gcc",
    "qemu-system-arm": "qemu-system-arm",
    "qemu-system-misc": "qemu-system-riscv32",
}


class Missing(Exception):
    """The runtime cannot be had here; the text says what is missing and what would help."""


def say(text):
    print(f"[{time.monotonic() - STARTED:5.1f} s] {text}", file=sys.stderr, flush=True)


def os_release(key):
    try:
        lines = Path("/etc/os-release").read_text().splitlines()
    except OSError:
        return ""
    return next((x.partition("=")[2].strip('"') for x in lines if x.startswith(key + "=")), "")


def installed(package):
    done = subprocess.run(
        ["dpkg-query", "-W", "-f", "${db:Status-Status}", package], capture_output=True, text=True
    )
    return done.stdout == "installed"


def need(packages):
    """Install Debian packages that are not there. Elsewhere their programs must be there."""
    if not shutil.which("dpkg-query") or not shutil.which("apt-get"):
        lacking = [PROGRAMS[p] for p in packages if p in PROGRAMS]
        lacking = sorted(p for p in lacking if not shutil.which(p))
        if lacking:
            raise Missing(f"needed on PATH: {' '.join(lacking)}")
        return
    lacking = sorted({p for p in packages if not installed(p)})
    if not lacking:
        return
    names = " ".join(lacking)
    if os.geteuid() != 0:
        raise Missing(f"missing packages; run as root: apt-get install {names}")
    say(f"apt-get install {names}")
    apt = ["apt-get", "-qq", "-o", "DPkg::Lock::Timeout=300"]
    logged([*apt, "update"], "apt-update.log")
    env = dict(os.environ, DEBIAN_FRONTEND="noninteractive")
    command = [*apt, "-y", "--no-install-recommends", "install", *lacking]
    logged(command, "apt-install.log", env=env)


def logged(command, log, **more):
    """Run a command with its output in a log of the cache; show the end of it on failure."""
    path = CACHE / "log" / log
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "wb") as out:
        code = subprocess.run(command, stdout=out, stderr=subprocess.STDOUT, **more).returncode
    if code:
        lines = path.read_text(errors="replace").splitlines()
        telling = [x for x in lines if re.search(r"error|undefined|\*\*\*|^E:", x)]
        print("\n".join(telling[:20] or lines[-20:]), file=sys.stderr)
        raise Missing(f"failed: {' '.join(map(str, command[:4]))} ... (log: {path})")


def mirror():
    """The Debian mirror that this machine's own apt uses."""
    release = os_release("VERSION_CODENAME")
    rows = subprocess.check_output(
        ["apt-get", "indextargets", "--format", "$(RELEASE)|$(REPO_URI)", "Created-By: Packages"],
        text=True,
        stderr=subprocess.DEVNULL,
    ).splitlines()
    uri = next((x.partition("|")[2] for x in rows if x.startswith(release + "|")), None)
    if uri is None:
        raise Missing(f"this machine's apt has no source for {release}")
    return uri


def private_apt(suite, where):
    """An environment in which apt-get knows one suite alone, source packages included.

    The machine's own sources stay as they are; the mirror is the one it uses itself.
    """
    release = os_release("VERSION_CODENAME")
    uri = mirror()
    base = where / suite
    for folder in ("lists/partial", "cache/archives/partial", "etc"):
        (base / folder).mkdir(parents=True, exist_ok=True)
    lines = f"deb-src [signed-by={KEYRING}] {uri} {suite} main\n"
    if suite == release:
        lines += lines.replace("deb-src", "deb", 1)
    (base / "sources.list").write_text(lines)
    (base / "apt.conf").write_text(
        f'Dir::Etc::SourceList "{base}/sources.list";\nDir::Etc::SourceParts "{base}/etc";\n'
        f'Dir::State::Lists "{base}/lists";\nDir::Cache "{base}/cache";\n'
        'APT::Architectures { "amd64"; "i386"; };\nAPT::Sandbox::User "root";\n'
    )
    env = dict(os.environ, APT_CONFIG=str(base / "apt.conf"))
    say(f"apt-get update: {suite}, in a directory of its own")
    logged(["apt-get", "-qq", "update"], f"apt-update-{suite}.log", env=env)
    return env


@contextlib.contextmanager
def scratch():
    """A folder for downloads: package lists are 100 MB and wanted for fetching only."""
    (CACHE / "tmp").mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=CACHE / "tmp") as name:
        yield Path(name)


def offered(env):
    """{Debian version: sha256 of its .dsc} of the MicroPython sources in a suite."""
    out = subprocess.run(
        ["apt-cache", "showsrc", "micropython"], env=env, capture_output=True, text=True
    ).stdout
    found = {}
    for record in out.split("\n\n"):
        version = re.search(r"(?m)^Version: (\S+)", record)
        # Of the record's three lists of hashes this is the one with 64 digits.
        dsc = re.search(r"(?m)^ ([0-9a-f]{64}) \d+ \S+\.dsc$", record)
        if version and dsc:
            found[version.group(1)] = dsc.group(1)
    return found


def fetch_source(version):
    """Debian's source package, unpacked. apt checks the signature, then every hash."""
    debian, suites, sha = PINS[version]
    dest = CACHE / "src" / f"micropython-{debian}"
    if (dest / ".ok").exists():
        return dest
    need(["dpkg-dev", "xz-utils"])
    with scratch() as tmp:
        dsc = tmp / f"micropython_{debian}.dsc"
        for suite in suites:
            try:
                env = private_apt(suite, tmp)
            except Missing as error:
                say(f"{suite}: {error}")
                continue
            others = offered(env)
            if debian in others:
                say(f"apt-get source micropython={debian} ({suite})")
                command = ["apt-get", "-qq", "source", "--download-only", f"micropython={debian}"]
                logged(command, "apt-source.log", env=env, cwd=tmp)
                break
            moved = [f"{x} (sha256 of its .dsc: {sha})" for x, sha in others.items()]
            say(
                f"Debian {suite} has no micropython {debian} any more but"
                f" {' and '.join(moved) or 'none'}: time for a new pin in tools/runtimes/debian.py"
            )
        if not dsc.exists():
            raise Missing(f"micropython {debian} is not to be had from {' or '.join(suites)}")
        if hashlib.sha256(dsc.read_bytes()).hexdigest() != sha:
            raise Missing(f"{dsc.name} is not the pinned one")
        shutil.rmtree(dest, ignore_errors=True)
        dest.parent.mkdir(parents=True, exist_ok=True)
        logged(["dpkg-source", "--no-check", "-x", dsc, tmp / "unpacked"], "dpkg-source.log")
        (tmp / "unpacked").rename(dest)
    (dest / ".ok").touch()
    return dest


def fetch_sysroots(arches):
    """Headers and static libraries of mbedtls for amd64, i386; not installed, only unpacked."""
    arches = [a for a in arches if not (CACHE / "sysroot" / a / ".ok").exists()]
    if not arches:
        return
    with scratch() as tmp:
        env = private_apt(os_release("VERSION_CODENAME"), tmp)
        for arch in arches:
            say(f"apt-get download libmbedtls-dev:{arch}")
            command = ["apt-get", "-qq", "download", f"libmbedtls-dev:{arch}"]
            logged(command, "apt-download.log", env=env, cwd=tmp)
            (deb,) = tmp.glob(f"libmbedtls-dev_*_{arch}.deb")
            logged(["dpkg", "-x", deb, tmp / arch], "dpkg-x.log")
            dest = CACHE / "sysroot" / arch
            shutil.rmtree(dest, ignore_errors=True)
            (dest / "usr").mkdir(parents=True)
            (tmp / arch / "usr/include").rename(dest / "usr/include")
            (dest / "lib").mkdir()
            for library in (tmp / arch).glob("usr/lib/*/libmbed*.a"):
                library.rename(dest / "lib" / library.name)
            (dest / ".ok").touch()
