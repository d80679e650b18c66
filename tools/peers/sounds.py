#!/usr/bin/env python3
"""Unpack speech for the tests of what is mistaken for digits; instant when it is there.

    tools/peers/sounds.py [--check]      prints the folder; --check only looks, exit 3: missing

The prompts of Asterisk, spoken by four people in four languages, and espeak-ng, from Debian's
packages. Nothing is installed: they are unpacked into build/peers/sounds (with USIP_CACHE, into its
peers/sounds).
"""

import fcntl
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from peers import asterisk
from runtimes import debian
from runtimes.debian import Missing, say

FOLDER = asterisk.PEERS / "sounds"
LANGUAGES = ("en", "fr", "it", "ru")
PACKAGES = [f"asterisk-core-sounds-{x}-wav" for x in LANGUAGES]
PACKAGES += ["espeak-ng", "espeak-ng-data", "libespeak-ng1", "libpcaudio0", "libsonic0"]
RECIPE = 1  # raise it when the folder's content has to change
# No speech: what is recorded there are tones and pauses.
TONES = ("beep", "tone", "silence")


class Sounds:
    """What is in the folder."""

    def __init__(self, folder):
        self.folder = folder
        self._espeak = folder / "usr/bin/espeak-ng"

    def prompts(self):
        """{folder of a speaker: WAV files of 8 kHz}"""
        found = {}
        for path in sorted(self.folder.glob("usr/share/asterisk/sounds/*/**/*.wav")):
            name = path.relative_to(self.folder / "usr/share/asterisk/sounds")
            if not any(x in str(name) for x in TONES):
                found.setdefault(name.parts[0], []).append(path)
        return found

    def speak(self, text, voice, file, pitch=50):
        """espeak-ng says it into a WAV file."""
        # The data are beside the library.
        where = str(next(self.folder.glob("usr/lib/*/libespeak-ng.so.1")).parent)
        env = dict(os.environ, LD_LIBRARY_PATH=where, ESPEAK_DATA_PATH=where)
        argv = [self._espeak, "-v", voice, "-p", str(pitch), "-w", file, text]
        subprocess.run(argv, env=env, check=True, timeout=60, capture_output=True)


def stamp():
    return FOLDER / f".ok-{RECIPE}"


def ensure():
    """What is unpacked, and is fetched first if need be; raises Missing with a reason."""
    if not stamp().exists():
        asterisk.PEERS.mkdir(parents=True, exist_ok=True)
        with open(asterisk.PEERS / ".sounds.lock", "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not stamp().exists():  # nobody else did meanwhile
                make()
    return Sounds(FOLDER)


def fetch(tmp):
    seen = []
    for suite in (debian.os_release("VERSION_CODENAME"), *asterisk.SUITES):
        where = tmp / suite
        env = asterisk.private_apt([suite], where)
        try:
            asterisk.run(["apt-get", "-qq", "update"], "apt-update-sounds.log", env, where)
            command = ["apt-get", "-qq", "download", *PACKAGES]
            asterisk.run(command, "apt-download-sounds.log", env, where / "debs")
        except Missing as error:  # a suite need not have all of them
            seen.append(f"{suite}: {error}")
            continue
        root = tmp / "root"
        root.mkdir()
        for deb in sorted((where / "debs").glob("*.deb")):
            asterisk.run(["dpkg-deb", "-x", deb, root], "dpkg-deb-sounds.log", env, where)
        return root
    raise Missing("; ".join(seen))


def make():
    if debian.os_release("ID") != "debian" or not shutil.which("dpkg-deb"):
        raise Missing("speech is unpacked from Debian's packages, and this is no Debian")
    started = time.monotonic()
    tmp = asterisk.PEERS / "sounds.tmp"
    shutil.rmtree(tmp, ignore_errors=True)  # of a run that was killed
    try:
        tmp.mkdir()
        root = fetch(tmp)
        (root / stamp().name).touch()
        shutil.rmtree(FOLDER, ignore_errors=True)
        root.rename(FOLDER)
    except subprocess.TimeoutExpired as error:
        raise Missing(f"{' '.join(map(str, error.cmd[:3]))} ... took too long")
    except (subprocess.CalledProcessError, OSError) as error:
        raise Missing(str(error))
    finally:
        shutil.rmtree(tmp, ignore_errors=True)
    say(f"speech is in {FOLDER} after {time.monotonic() - started:.0f} s")


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
        say(f"error: speech: {error}")
        return 1
    print(FOLDER)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
