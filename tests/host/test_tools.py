"""The tools that everything else is started with: tools/run, tools/runner.py, tests/minirun.py."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import runner

ROOT = Path(runner.ROOT)
RUNTIMES = ["cpython", *runner.UNIX]
UNIX = list(runner.UNIX)


@pytest.fixture(autouse=True)
def own_output(tmp_path, monkeypatch):
    """Compiled files of these tests lie apart: other processes may be using the usual ones."""
    monkeypatch.setattr(runner, "MPY", str(tmp_path / "mpy"))


def run(runtime, file, *args, cwd=None, **options):
    try:
        argv, env = runner.command(runtime, file, args, **options)
    except runner.RunError as error:
        if runtime in UNIX and "mpy-cross" not in str(error) and os.environ.get("CI") != "true":
            pytest.skip(str(error))
        raise
    return subprocess.run(argv, env=env, capture_output=True, text=True, timeout=60, cwd=cwd)


def write(path, *lines):
    path.write_text("\n".join(lines) + "\n")
    return path


@pytest.mark.parametrize("runtime", RUNTIMES)
@pytest.mark.parametrize("sources", [False, True])
def test_main_argv_and_status(tmp_path, runtime, sources):
    file = write(
        tmp_path / "my.prog.py",
        "import sys",
        "if __name__ == '__main__':",
        "    print('|'.join(sys.argv))",
        "    sys.exit(7)",
    )
    done = run(runtime, file, "a b", "--heap", "é", sources=sources)
    assert (done.stdout, done.stderr) == (f"{file}|a b|--heap|é\n", "")
    assert done.returncode == 7


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_an_exception_is_status_1_and_names_the_line(tmp_path, runtime):
    done = run(runtime, write(tmp_path / "prog.py", "x = 1", "", "raise ValueError('no')"))
    assert done.returncode == 1
    assert "ValueError: no" in done.stderr
    assert "prog.py" in done.stderr and "line 3" in done.stderr


@pytest.mark.parametrize("runtime", UNIX)
def test_the_heap_is_as_large_as_asked(tmp_path, runtime):
    file = write(tmp_path / "prog.py", "import sys", "b = bytearray(int(sys.argv[1]))", "print(1)")
    assert run(runtime, file, "50000", heap="64k").stdout == "1\n"
    done = run(runtime, file, "66000", heap="64k")
    assert done.returncode == 1 and "MemoryError" in done.stderr
    assert run(runtime, file, "66000", heap="100k").stdout == "1\n"


@pytest.mark.parametrize("runtime", UNIX)
def test_a_program_costs_the_heap_no_more_than_its_bytecode(tmp_path, runtime):
    lines = [f"def f{i}(a, b):\n    return a * {i} + b" for i in range(250)]
    file = write(tmp_path / "prog.py", *lines, "print(f249(1, 2))")
    assert run(runtime, file, heap="64k").stdout == "251\n"
    assert "MemoryError" in run(runtime, file, heap="64k", sources=True).stderr


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_signals_reach_the_program(tmp_path, runtime):
    file = write(
        tmp_path / "prog.py",
        "import sys, time",
        "print('up')",
        "try:",
        "    time.sleep(30)",
        "except KeyboardInterrupt:",
        "    sys.exit(9)",
    )
    for number, status in ((signal.SIGINT, 9), (signal.SIGTERM, -signal.SIGTERM)):
        argv = [sys.executable, str(ROOT / "tools/run"), runtime, str(file)]
        env = dict(os.environ, PYTHONUNBUFFERED="1")
        with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True, env=env) as process:
            assert process.stdout.readline() == "up\n"
            time.sleep(0.05)  # so that it sleeps
            process.send_signal(number)
            assert process.wait(10) == status


@pytest.mark.parametrize("runtime", UNIX)
def test_compiled_files_follow_their_sources(tmp_path, runtime):
    file = write(tmp_path / "prog.py", "import other", "print(other.x)")
    other = write(tmp_path / "other.py", "x = 1")
    assert run(runtime, file).stdout == "1\n"
    then = other.stat()
    write(other, "x = 2")
    assert run(runtime, file).stdout == "2\n"
    os.utime(other, ns=(then.st_atime_ns, then.st_mtime_ns - 10**9))  # an older file put back
    write(file, "import other", "print(-other.x)")
    assert run(runtime, file).stdout == "-2\n"
    other.unlink()
    assert "no module named 'other'" in run(runtime, file).stderr


@pytest.mark.parametrize("runtime", UNIX)
def test_nothing_is_compiled_twice(tmp_path, runtime, monkeypatch):
    file = write(tmp_path / "prog.py", "import usip.clock", "print('ok')")
    assert run(runtime, file).stdout == "ok\n"
    monkeypatch.setattr(runner.Trees, "_update", lambda *_: pytest.fail("compiled again"))
    started = time.monotonic()
    assert run(runtime, file).stdout == "ok\n"
    assert time.monotonic() - started < 0.2


@pytest.mark.parametrize("runtime", UNIX)
def test_the_sources_of_usip_are_not_imported_from_the_working_directory(tmp_path, runtime):
    file = write(tmp_path / "prog.py", "import usip.clock as c", "print(c.__file__)")
    assert run(runtime, file, cwd=ROOT).stdout.endswith("/lib/usip/clock.mpy\n")


def test_frozen_usip_takes_no_heap_and_is_up_to_date(tmp_path):
    file = write(
        tmp_path / "prog.py",
        "import gc, sys",
        "gc.collect()",
        "free = gc.mem_free()",
        "import usip.message as m",
        "gc.collect()",
        "print(m.__file__, free - gc.mem_free())",
    )
    name, used = run("unix32", file, heap="64k", frozen=True).stdout.split()
    name_mpy, used_mpy = run("unix32", file, heap="64k").stdout.split()
    assert (name, name_mpy[-21:]) == ("usip/message.py", "/lib/usip/message.mpy")
    assert int(used) < int(used_mpy) / 2


@pytest.mark.parametrize("runtime", UNIX)
def test_a_neighbour_that_does_not_compile_harms_only_who_names_it(tmp_path, runtime):
    file = write(tmp_path / "prog.py", "print('fine')")
    bad = write(tmp_path / "bad.py", "def f(:")
    assert run(runtime, file).stdout == "fine\n"
    for args in ((bad,), (file, bad)):
        for _ in range(2):
            with pytest.raises(runner.RunError, match="bad.py.*SyntaxError"):
                run(runtime, *args)


def test_asserts_stay_in_tests_alone(tmp_path):
    file = write(tmp_path / "prog.py", "assert False", "print('stripped')")
    assert run("unix32", file).stdout == "stripped\n"
    data = ROOT / "tests/host/data"
    done = run("unix32", ROOT / "tests/minirun.py", data / "fails.py", path=[data])
    assert "AssertionError" in done.stdout


def test_many_at_once_compile_once_and_all_run(tmp_path):
    file = write(tmp_path / "prog.py", "import usip.clock", "print('ok')")
    run("unix32", file)  # builds the runtime, if need be
    code = (
        f"import sys; sys.path.insert(0, {str(ROOT / 'tools')!r}); import runner;"
        f"runner.MPY = {str(tmp_path / 'fresh')!r};"
        f"sys.exit(runner.main(['unix32', {str(file)!r}]))"
    )
    command = [sys.executable, "-c", code]
    all_ = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(4)]
    assert [process.communicate(timeout=60)[0] for process in all_] == ["ok\n"] * 4


def test_wrong_use_is_one_line_and_status_2(tmp_path):
    file = write(tmp_path / "prog.py", "")
    for args in (["unix16", file], ["cpython", "no/such.py"], ["cpython2.7", file]):
        argv = [sys.executable, ROOT / "tools/run", *args]
        done = subprocess.run(argv, capture_output=True, text=True)
        assert done.returncode == 2
        assert done.stderr.startswith("tools/run: ") and done.stderr.count("\n") == 1


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_minirun_counts_and_fails(tmp_path, runtime):
    data = ROOT / "tests/host/data"
    mini = ROOT / "tests/minirun.py"
    done = run(runtime, mini, data / "fails.py", path=[data])
    assert done.returncode == 1
    assert "fails.test_good ok" in done.stdout
    assert "fails.test_bad FAILED" in done.stdout and "AssertionError" in done.stdout
    assert "fails.test_skipped skipped: not here" in done.stdout
    assert "\n1 ok, 1 failed, 1 skipped;" in done.stdout
    assert run(runtime, mini, "-k", "good", data / "fails.py", path=[data]).returncode == 0
    assert run(runtime, mini, data / "empty.py", path=[data]).returncode == 1
    assert run(runtime, mini, "nosuch", path=[data]).returncode == 1
    assert run(runtime, mini).returncode == 1


def build_check(**env):
    argv = [sys.executable, ROOT / "tools/runtimes/build.py", "unix32"]
    return subprocess.run(argv, capture_output=True, text=True, env=dict(os.environ, **env))


def test_build_is_instant_when_nothing_changed():
    if build_check().returncode:
        if os.environ.get("CI") == "true":
            pytest.fail("no runtime here", pytrace=False)
        pytest.skip("no runtime here")
    started = time.monotonic()
    assert build_check().returncode == 0
    assert time.monotonic() - started < 0.5


def test_build_says_what_is_wrong(tmp_path):
    done = build_check(MICROPYTHON=str(tmp_path))
    assert done.returncode == 1
    assert f"MICROPYTHON={tmp_path} is not a MicroPython source tree" in done.stderr
