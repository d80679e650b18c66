#!/usr/bin/env python3
"""Unpack Asterisk 22 for the interop tests; instant when it is there.

    tools/peers/asterisk.py [--check]      prints the folder; --check only looks, exit 3: missing

Debian's stable suites have no Asterisk. It is taken from a newer one, from the mirror that this
machine's apt uses and through this machine's apt settings, together with every library that it
stands on, the C library too. Nothing is installed and no script of a package is run: the packages
are unpacked into build/peers/asterisk (with USIP_CACHE, into its peers/asterisk). Asterisk is
started through the loader that was unpacked with it. So it wants neither root nor chroot, and no
service comes to life.
"""

import fcntl
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from runtimes import debian
from runtimes.debian import Missing, say

PEERS = Path(os.environ.get("USIP_CACHE") or debian.ROOT / "build").resolve() / "peers"
FOLDER = PEERS / "asterisk"
SUITES = ("forky", "sid")  # the first that has it
LEAST = 22
PACKAGES = ("asterisk", "asterisk-modules")
# What they depend on is 150 packages; a program wants the libraries among them alone.
WANTED = re.compile(r"lib(?!pam|perl|snmp-base|systemd-)|zlib1g|asterisk$|asterisk-modules$")
RECIPE = 1  # raise it when the folder's content has to change
LIMIT_S = 600  # no step is longer


class Unpacked:
    """Where things are in the folder."""

    def __init__(self, folder):
        libraries = sorted(folder.glob("usr/lib/*/asterisk/modules"))
        if not libraries:
            raise Missing(f"no Asterisk in {folder}")
        self.modules = libraries[0]
        self.libraries = self.modules.parent.parent
        self.data = folder / "usr/share/asterisk"
        loaders = sorted(self.libraries.glob("ld-linux*.so.*")) or sorted(
            folder.glob("usr/lib/ld-linux*.so.*")
        )
        if not loaders:
            raise Missing(f"no loader in {folder}")
        self.argv = [str(loaders[0]), "--library-path", str(self.libraries)]
        self.argv.append(str(folder / "usr/sbin/asterisk"))

    def version(self):
        """22.1.0, by the program's own word: it runs."""
        said = subprocess.run(
            [*self.argv, "-V"], capture_output=True, text=True, timeout=30, stdin=subprocess.DEVNULL
        )
        number = re.match(r"Asterisk (\d+[.\d]*)", said.stdout)
        if not number:
            raise Missing(f"Asterisk does not run here: {(said.stderr or said.stdout).strip()}")
        return number.group(1)


def run(command, log, env, cwd):
    debian.logged(list(map(str, command)), log, env=env, cwd=cwd, timeout=LIMIT_S)


def private_apt(suites, where):
    """An environment in which apt-get knows these suites and no package is installed.

    The machine's other settings hold: proxy, certificates, pinned keys.
    """
    architecture = subprocess.check_output(["dpkg", "--print-architecture"], text=True).strip()
    for folder in ("lists/partial", "cache/archives/partial", "etc", "debs"):
        (where / folder).mkdir(parents=True)
    (where / "status").touch()
    uri = debian.mirror()
    lines = [f"deb [signed-by={debian.KEYRING}] {uri} {suite} main\n" for suite in suites]
    (where / "sources.list").write_text("".join(lines))
    (where / "apt.conf").write_text(
        f'Dir::Etc::SourceList "{where}/sources.list";\nDir::Etc::SourceParts "{where}/etc";\n'
        f'Dir::Etc::Preferences "{where}/none";\nDir::Etc::PreferencesParts "{where}/etc";\n'
        f'Dir::State::Lists "{where}/lists";\nDir::State::Status "{where}/status";\n'
        f'Dir::Cache "{where}/cache";\nAcquire::Languages "none";\nAcquire::Retries "2";\n'
        f'APT::Architectures {{ "{architecture}"; }};\nAPT::Sandbox::User "root";\n'
        # a mirror may be a snapshot of a day long past; its signature is checked as ever
        'Acquire::Check-Valid-Until "false";\n'
        # what cannot be fetched is an error, not a reason to go on with old lists
        'APT::Update::Error-Mode "any";\n'
    )
    return dict(os.environ, APT_CONFIG=str(where / "apt.conf"), LC_ALL="C")


def candidate(env):
    """The version that apt would take, "" when these suites have none."""
    said = subprocess.run(
        ["apt-cache", "policy", "asterisk"], capture_output=True, text=True, env=env, timeout=60
    ).stdout
    found = re.search(r"Candidate: (?:\d+:)?(\d[^\s]*)", said)
    return found.group(1) if found else ""


def find_suite(tmp):
    """The environment of the first suite that has a new enough Asterisk."""
    seen = []
    for suite in SUITES:
        say(f"apt-get update: {suite}, in a directory of its own")
        where = tmp / suite
        env = private_apt([suite], where)
        try:
            run(["apt-get", "-qq", "update"], f"apt-update-{suite}.log", env, where)
        except Missing as error:  # a mirror need not have every suite
            seen.append(f"{suite}: {error}")
            continue
        version = candidate(env)
        if version and int(re.match(r"\d+", version).group()) >= LEAST:
            say(f"Asterisk {version} is in {suite}")
            return env, where
        seen.append(f"{suite} has {version or 'none'}")
    raise Missing(f"no Asterisk {LEAST} on this machine's mirror: {'; '.join(seen)}")


def names(env):
    """The packages to unpack."""
    command = ["apt-get", "-qq", "-y", "--no-install-recommends", "--print-uris", "install"]
    done = subprocess.run(
        [*command, *PACKAGES], capture_output=True, text=True, env=env, timeout=LIMIT_S
    )
    if done.returncode:
        raise Missing(f"apt cannot resolve asterisk: {done.stderr.strip()[-500:]}")
    # 'URI' NAME_VERSION_ARCH.deb SIZE HASH
    rows = [x.split() for x in done.stdout.splitlines() if x.startswith("'")]
    rows = [(x[1].split("_")[0], int(x[2])) for x in rows]
    rows = [x for x in rows if WANTED.match(x[0])]
    return [x[0] for x in rows], sum(x[1] for x in rows)


def fetch(tmp):
    env, where = find_suite(tmp)
    packages, size = names(env)
    debs = where / "debs"
    say(f"fetching {len(packages)} packages, {size >> 20} MB")
    for i in range(0, len(packages), 20):  # in parts, that one sees it go on
        some = packages[i : i + 20]
        run(["apt-get", "-qq", "download", *some], "apt-download-asterisk.log", env, debs)
        say(f"fetched {i + len(some)} of {len(packages)}")
    root = tmp / "root"
    root.mkdir()
    say("unpacking")
    for deb in sorted(debs.iterdir()):
        run(["dpkg-deb", "-x", deb, root], "dpkg-deb-asterisk.log", env, where)
    return root


def stamp():
    return FOLDER / f".ok-{RECIPE}"


def ensure():
    """What is unpacked, and is fetched first if need be; raises Missing with a reason."""
    if not stamp().exists():
        PEERS.mkdir(parents=True, exist_ok=True)
        with open(PEERS / ".asterisk.lock", "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not stamp().exists():  # nobody else did meanwhile
                make()
    return Unpacked(FOLDER)


def make():
    if debian.os_release("ID") != "debian":
        raise Missing("Asterisk is unpacked from Debian's packages, and this is no Debian")
    for program in ("apt-get", "dpkg-deb"):
        if not shutil.which(program):
            raise Missing(f"{program} is not on this machine")
    started = time.monotonic()
    tmp = PEERS / "asterisk.tmp"
    shutil.rmtree(tmp, ignore_errors=True)  # of a run that was killed
    try:
        tmp.mkdir()
        root = fetch(tmp)
        say(f"Asterisk {Unpacked(root).version()} runs")
        (root / stamp().name).touch()
        shutil.rmtree(FOLDER, ignore_errors=True)
        root.rename(FOLDER)
    except subprocess.TimeoutExpired as error:
        raise Missing(f"{' '.join(error.cmd[:3])} ... took more than {LIMIT_S} s")
    except (subprocess.CalledProcessError, OSError) as error:
        raise Missing(str(error))
    finally:
        shutil.rmtree(tmp, ignore_errors=True)
    say(f"Asterisk is in {FOLDER} after {time.monotonic() - started:.0f} s")


def main(args):
    if args not in ([], ["--check"]):
        print(__doc__, file=sys.stderr)
        return 2
    if args and not stamp().exists():
        print("missing")
        return 3
    try:
        ensure()
    except Missing as error:
        say(f"error: Asterisk: {error}")
        return 1
    print(FOLDER)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
