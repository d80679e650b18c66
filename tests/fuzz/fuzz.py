#!/usr/bin/env python3
"""Coverage-guided fuzzing of usip's parsers, with atheris (`make fuzz`).

    fuzz.py TARGET SECONDS [--seed N]   fuzz one target; exit status 1 and the input when it fails
    fuzz.py all SECONDS                 each for so long
    fuzz.py TARGET keep                 what was found to be new becomes seeds, as few as will do
    fuzz.py list

The seeds are in seeds/TARGET.txt, a bytes literal a line. build/fuzz/TARGET/ has all that was ever
new, so that the next run goes on from there, and the inputs that failed.
"""

import argparse
import ast
import hashlib
import os
import re
import shlex
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
BUILD = ROOT / "build" / "fuzz"
# One input in a file of the tree: what is longer is not worth its place there.
SEED_MAX = 1500
SEEDS_MAX = 20_000  # bytes a target
LENGTH = {"events": 400, "uri": 400, "digest": 1000, "rtcp": 600, "sdp": 2100, "rtp": 4000}
TIMEOUT_S = 10  # for one input: none needs a hundredth of that


def paths():
    for folder in (HERE, ROOT / "tests" / "support", ROOT):
        sys.path.insert(0, str(folder))


def seeds(target):
    """The inputs that are kept, as bytes."""
    file = HERE / "seeds" / f"{target}.txt"
    text = file.read_text() if file.exists() else ""
    return [ast.literal_eval(x) for x in text.splitlines() if x]


def unpack(target, where=BUILD):
    """The folder of all inputs that are known to be of worth."""
    folder = where / target / "corpus"
    folder.mkdir(parents=True, exist_ok=True)
    for data in seeds(target):
        (folder / hashlib.sha1(data).hexdigest()).write_bytes(data)
    return folder


def child(target, args):
    """In a process of its own: libFuzzer does not return."""
    paths()
    import atheris

    with atheris.instrument_imports(include=["usip"]):
        import targets
    # Where libFuzzer wants another process of this kind it runs its argv[0].
    atheris.Setup([os.environ.get("FUZZ_AGAIN", __file__), *args], getattr(targets, target))
    atheris.Fuzz()


def start(target, *args, **how):
    argv = [sys.executable, __file__, "--child", target, *map(str, args)]
    return subprocess.run(argv, capture_output=True, text=True, errors="replace", **how)


def fuzz(target, seconds, seed=0, where=BUILD, runs=-1):
    """Fuzz it: so long, or so many inputs. (inputs tried, seconds, text of the failure or None)"""
    corpus = unpack(target, where)
    bad = where / target
    options = {
        "max_total_time": seconds,
        "seed": seed,
        "runs": runs,
        "max_len": LENGTH.get(target, 4096),
        "timeout": TIMEOUT_S,
        "rss_limit_mb": 1024,
        "artifact_prefix": f"{bad}/",
        "print_final_stats": 1,
        "verbosity": 1,
        "dict": HERE / "sip.dict",
    }
    if target in ("rtp", "rtcp", "events"):
        del options["dict"]
    before = time.monotonic()
    known = set(bad.glob("*-*"))
    done = start(target, corpus, *(f"-{k}={v}" for k, v in options.items()))
    took = time.monotonic() - before
    found = re.search(r"number_of_executed_units: *(\d+)", done.stderr)
    cover = re.findall(r"cov: (\d+) ft: (\d+) corp: (\d+)", done.stderr)
    say = f"{target}: {found.group(1) if found else 0} inputs in {took:.0f} s"
    if cover:
        say += ", {} edges, {} features, {} of them kept".format(*cover[-1])
    print(say, flush=True)
    if not done.returncode and found:
        return int(found.group(1)), took, None
    lines = [done.stdout[-3000:], done.stderr[-3000:] if not done.stdout else ""]
    for file in sorted(set(bad.glob("*-*")) - known):
        lines.append(f"{file}:\n{file.read_bytes()!r}")
    return 0, took, "\n".join(lines)


def keep(target):
    """Rewrite the seeds: what covers all that is covered."""
    with tempfile.TemporaryDirectory() as folder:
        least = Path(folder, "least")
        least.mkdir()
        again = Path(folder, "again")
        line = shlex.join([sys.executable, __file__, "--child", target])
        again.write_text(f'#!/bin/sh\nexec {line} "$@"\n')
        again.chmod(0o755)
        env = {**os.environ, "FUZZ_AGAIN": str(again)}
        args = "-merge=1", f"-timeout={TIMEOUT_S}"
        done = start(target, least, unpack(target), *args, env=env)
        found = [p.read_bytes() for p in least.iterdir()]
        assert found and not done.returncode, done.stderr[-2000:]
    found = sorted((x for x in found if len(x) <= SEED_MAX), key=lambda x: (len(x), x))
    while sum(map(len, found)) > SEEDS_MAX:
        found.pop()
    rows = list(dict.fromkeys([*seeds(target), *found]))
    (HERE / "seeds" / f"{target}.txt").write_text("".join(f"{x!r}\n" for x in rows))
    print(f"{target}: {len(rows)} seeds, {sum(map(len, rows))} octets")


def main(argv):
    if argv[:1] == ["--child"]:
        return child(argv[1], argv[2:])
    names = sorted(p.stem for p in (HERE / "seeds").glob("*.txt"))
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("target", choices=[*names, "all", "list"])
    parser.add_argument("seconds", nargs="?", default="60", help="or: keep")
    parser.add_argument("--seed", type=int, default=0, help="0: another each time")
    args = parser.parse_args(argv)
    if args.target == "list":
        print("\n".join(names))
        return 0
    try:
        import atheris  # noqa: F401
    except ImportError:
        print(
            "fuzz: there is no atheris for this Python; it comes with the extra `fuzz`",
            file=sys.stderr,
        )
        return 2
    failed = 0
    for target in names if args.target == "all" else [args.target]:
        if args.seconds == "keep":
            keep(target)
            continue
        _, _, why = fuzz(target, int(args.seconds), args.seed)
        if why:
            print(why)
            failed = 1
    return failed


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
