"""Calls per second that a user agent server takes from SIPp with no retransmission and no failure,
and its CPU per call; all of RFC 3261's timers run, so that a transaction is kept for 32 s."""

import csv
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile

from table import HERE, Missing, said

HOST = "127.0.0.1"
SECONDS = 40  # longer than the 32 s that transactions are kept: the tables have reached their size
RATES = (5, 10, 20, 50, 100, 150, 200, 300, 400, 500, 700, 1000, 1500)


def free():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.bind((HOST, 0))
        return s.getsockname()[1]


def trial(rate, seconds=SECONDS):
    """(clean, CPU seconds per call, what happened) of that many calls per second."""
    port = free()
    program = os.path.join(HERE, "uas_program.py")
    uas = subprocess.Popen(
        [sys.executable, program, HOST, str(port)], stdout=subprocess.PIPE, text=True
    )
    try:
        uas.stdout.readline()
        with tempfile.TemporaryDirectory() as folder:
            stat = os.path.join(folder, "stat.csv")
            argv = ["sipp", f"{HOST}:{port}", "-sf", os.path.join(HERE, "uas.xml"), "-i", HOST]
            argv += ["-p", str(free()), "-r", str(rate), "-m", str(rate * seconds), "-nostdin"]
            argv += ["-l", str(rate * 20), "-trace_stat", "-stf", stat, "-fd", "5"]
            argv += ["-timeout", f"{seconds + 15}s", "-recv_timeout", "8000"]
            try:
                subprocess.run(argv, cwd=folder, capture_output=True, timeout=seconds + 40)
            except subprocess.TimeoutExpired:
                return False, 0, "SIPp did not end"
            with open(stat) as f:
                last = list(csv.DictReader(f, delimiter=";"))[-1]
    finally:
        uas.terminate()
        told = uas.communicate()[0]
    did = json.loads(told.strip().splitlines()[-1])
    good, bad = int(last["SuccessfulCall(C)"]), int(last["FailedCall(C)"])
    again = int(last["Retransmissions(C)"])
    clean = good == rate * seconds and not bad and not again and not did["lost"]
    text = f"{good} calls, {bad} failed, {again} retransmissions"
    return clean, did["cpu"] / max(good, 1), text


def measure(out):
    if not shutil.which("sipp"):
        raise Missing("needs sipp (apt-get install sip-tester)")
    found = re.search(r"v[0-9.]+", said("sipp", "-v") or "")
    versions = {"sipp": found.group(0) if found else "?"}
    best = None
    low, high = 0, len(RATES)
    while low < high:
        middle = (low + high) // 2
        for _ in range(2):  # a machine that was busy elsewhere gets a second chance
            clean, cpu, text = trial(RATES[middle])
            print(f"{'':34} {RATES[middle]} a second: {text}, {cpu * 1000:.2f} ms each", flush=True)
            if clean:
                break
        if clean:
            best = RATES[middle], cpu
            low = middle + 1
        else:
            high = middle
    if not best:
        raise Missing("not clean at any rate")
    how = f"CPython, one core, SIPp for {SECONDS} s, transactions kept for 32 s: "
    out.add("uas_clean_calls_per_s", best[0], "calls/s", how + "clean as tried", **versions)
    out.add("uas_cpu_ms_per_call", best[1] * 1000, "ms", how + "CPU at that rate", **versions)
