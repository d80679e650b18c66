"""Hundreds of calls on a network that loses packets: how many complete, and why not.

    LOSS_CALLS=500 pytest tests/interop/test_losses.py -s        (make losses)

A call is complete when it was answered, its digit came, once, and both sides ended it with a BYE
that was answered. Half of the calls are made by the runtime under test, half of them it gets; the
other end is CPython. A short run, which every test run has, is of 40 calls at 10 %.
"""

import collections
import json
import os
import time

import pytest
import rig as rigs

SLOW = True
PEER = "usip"
GROUP = "bad networks"
MANY = rigs.HERE / "losses" / "many.py"
CALLS = int(os.environ.get("LOSS_CALLS", "0"))
AT_ONCE = 20 if CALLS else 10
# What becomes of one call does not depend on the others; these are that few that may fail.
LEAST = {1: 0.998, 10: 0.995, 30: 0.97}
LIMIT_S = 560 if CALLS else 150


class Many(rigs.Speaker):
    def __init__(self, rig, name, runtime, at, *args):
        self.ip = at.take()
        self.port = 5060
        args = [self.ip, *map(str, args)]
        how = {"heap": "8M"} if runtime == "unix32" else {}
        super().__init__(rig.folder, name, runtime, MANY, args, at=at, limit=LIMIT_S, **how)
        rig._add(self)

    def _event(self, line):
        try:
            return json.loads(line)
        except ValueError:
            return {"event": "not JSON", "line": line.decode(errors="replace")}


def why(out, in_):
    """Why a call is not complete; "" when it is."""
    if not out["up"]:
        return f"not answered: {out['code']} {out['reason']}"
    if not in_:
        return "the callee knows nothing of it"
    if out["code"] != 200 or out["remote"]:
        return f"the caller ended with {out['code']} {out['reason']}"
    acked = "" if in_["up"] else ", no ACK came"
    if in_["code"] != 200 or not in_["remote"]:
        return f"the callee ended with {in_['code']} {in_['reason']}{acked}"
    if in_["digits"] != "5":
        print(out, in_)
        return f"digits by {out['mode']}: {in_['digits'] or 'none'}{acked}"
    return ""


def calls_at(rig, runtime, loss, count):
    """That many calls both ways together: a table of reasons."""
    net = rig.net(seed=loss, limit=LIMIT_S)
    net.impair(loss=loss, delay=10, jitter=30)
    half = count // 2
    pairs = []
    for side, other, caller, callee in (
        (net.a, net.b, runtime, "cpython"),
        (net.b, net.a, "cpython", runtime),
    ):
        taker = Many(rig, f"takes-{len(pairs)}", callee, other, "take", half)
        rigs.until(lambda taker=taker: taker.bound() or not taker.running, "it binds")
        maker = Many(rig, f"calls-{len(pairs)}", caller, side, "call", taker.ip, half, AT_ONCE // 2)
        pairs.append((maker, taker))
    began = time.monotonic()
    reasons = collections.Counter()
    for maker, taker in pairs:
        maker.wait("done", LIMIT_S)
        end = time.monotonic() + 70  # those that the caller gave up end there as well
        rigs.until(
            lambda t=taker, e=end: len(t.all("over")) >= half or time.monotonic() > e, "over", 80
        )
        taken = {e["id"]: e for e in taker.all("over")}
        for out in maker.all("over"):
            reasons[why(out, taken.get(out["id"]))] += 1
        assert not maker.all("error") and not taker.all("error"), (maker.tell(), taker.tell())
    row = {
        "runtime": runtime,
        "loss": loss,
        "calls": sum(reasons.values()),
        "complete": reasons.pop("", 0),
        "why not": dict(reasons),
        "seconds": round(time.monotonic() - began),
        "packets lost": net.lost(),
    }
    print(json.dumps(row))
    file = rigs.BUILD.parent / "losses.json"
    rows = json.loads(file.read_text()) if file.exists() else []
    rows = [r for r in rows if (r["runtime"], r["loss"]) != (runtime, loss)] + [row]
    file.write_text(json.dumps(rows, indent=1))
    return row


@pytest.mark.timeout(LIMIT_S + 30)
@pytest.mark.parametrize("loss", (1, 10, 30) if CALLS else (10,))
def test_many_calls(rig, runtime, loss):
    """many calls at 1, 10, 30 % loss with jitter: answered, one digit, a clean end"""
    count = CALLS or 40
    row = calls_at(rig, runtime, loss, count)
    rig.note(f"{row['complete']} of {count} calls complete at {loss} % loss")
    assert row["calls"] == count, row
    # Of forty at most one is unlucky.
    assert row["complete"] >= min(LEAST[loss] * count, count - 1), row
