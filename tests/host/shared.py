"""tests/unit and tests/sim on any runtime: what they want of it, and what it has."""

import functools
import os
import re
import signal
import subprocess
from pathlib import Path

import pytest

import runner

TESTS = Path(__file__).resolve().parent.parent
FILES = sorted([*TESTS.glob("unit/test_*.py"), *TESTS.glob("sim/test_*.py")])
TIMEOUT_S = 300
# What a file asks for, by its text or its helpers'. tests/support/features.py tells what there is.
SIGNS = {
    "asyncio": r"(?m)^\s*(import|from) (asyncio|usip\.(phone|driver|pump))\b",
    "files": r"(?<!def )(?<![.\w])open\(",
}
# A thousand days of test_seeds are for the runtimes that run them at once. Of the others, each gets
# another hundred. Without viper a minute of sound takes half of one: a few of those tests do.
SOME = (*runner.build.QEMU_TARGETS, *runner.OLDER, *runner.WASM)
SOUND = {
    "test_duplex": "push_to",
    "test_echo": "bounds",
    "test_g722": "narrow",
    "test_gain": "gate",
    "test_playout": "stays",
    "test_rate": "er",
}
ONLY = {file: dict.fromkeys(runner.WASM, text) for file, text in SOUND.items()}
ONLY["test_seeds"] = {x: f"seeds_{i % 10}00" for i, x in enumerate(SOME)}
# Minutes of speech are for one board of a kind: the stock one has the same processor.
for file, text in (("test_duplex", "allocated"), ("test_echo", "twin")):
    stock = [x for x in runner.build.QEMU_TARGETS if x.endswith("-stock")]
    ONLY.setdefault(file, {}).update(dict.fromkeys(stock, text))
# Hours of a call: on one board of a kind minutes of it.
ONLY["test_drift"] = dict.fromkeys(SOME, "minutes")
ONLY["test_dtmf_measured"] = dict.fromkeys(SOME, "white")


def source(file):
    """The text of a test file and of the helpers that it imports."""
    text = file.read_text()
    names = re.findall(r"(?m)^\s*(?:import|from) (\w+)", text)
    helpers = [TESTS / "support" / f"{x}.py" for x in names]
    return text + "".join(source(x) for x in helpers if x.exists() and x != file)


def missing(text):
    """In CI what is missing is a failure; elsewhere it is said."""
    if os.environ.get("CI"):
        pytest.fail(text, pytrace=False)
    pytest.skip(text)


def compiler():
    """mpy-cross: its path."""
    try:
        return Path(runner.build.ensure("mpy-cross")[0])
    except runner.build.Missing as error:
        missing(str(error))


_missing = {}  # a runtime that could not be had once is not tried again for each file


def command(runtime, *args, **how):
    """runner.command(); in CI a runtime that is missing is a failure."""
    why = _missing.get(runtime)
    if not why:
        try:
            return runner.command(runtime, *args, **how)
        except runner.RunError as error:
            why = str(error)
    if "mpy-cross:" in why:
        pytest.fail(why, pytrace=False)
    _missing[runtime] = why
    missing(why)


def run(runtime, file, *args, **how):
    """Run a file with main(); what it printed."""
    if runtime in runner.build.QEMU_TARGETS:
        how = {"function": "main", "timeout": TIMEOUT_S - 20, **how}
    argv, env = command(runtime, file, args, **how)
    pipe = subprocess.PIPE
    process = subprocess.Popen(argv, env=env, stdout=pipe, stderr=subprocess.STDOUT)
    try:
        output, _ = process.communicate(timeout=TIMEOUT_S)
    except subprocess.TimeoutExpired:
        process.kill()
        output, _ = process.communicate()
        output += b"\nended after %d s" % TIMEOUT_S
    output = output.decode(errors="replace")
    print(output)
    if process.returncode:
        reason = f"exit status {process.returncode}"
        if process.returncode < 0:
            reason = f"signal {signal.Signals(-process.returncode).name}"
        bad = [x for x in output.splitlines() if "FAILED" in x or "Error" in x]
        told = " ".join(bad)[:300]
        pytest.fail(f"{runtime} {Path(file).name}: {reason}: {told}", pytrace=False)
    return output


@functools.cache
def probe(runtime, heap=None):
    """What this runtime has of SIGNS, its release, and the KB of its heap."""
    *words, release, size = run(runtime, TESTS / "support" / "features.py", heap=heap).split()
    assert set(words) <= set(SIGNS), words
    return frozenset(words), release, int(size)


def run_file(runtime, file, **how):
    """Run the tests of one file, unless they want what the runtime lacks."""
    wanted = [x for x, sign in SIGNS.items() if re.search(sign, source(file))]
    lacking = [x for x in wanted if x not in probe(runtime)[0]] if wanted else []
    if lacking:
        pytest.skip(f"{runtime} has no {' and no '.join(lacking)}")
    only = ONLY.get(file.stem, {}).get(runtime)
    return run(runtime, TESTS / "minirun.py", *(["-k", only] if only else []), file, **how)
