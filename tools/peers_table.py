#!/usr/bin/env python3
"""The tables of the peers that usip was tried with: a short one in README.md, docs/interop.md.

tools/peers_table.py            write both, from the last runs of tests/interop, when all passed
tools/peers_table.py --check    say where they do not tell of the tests that there are
"""

import ast
import json
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TESTS = ROOT / "tests" / "interop"
RESULTS = ROOT / "build" / "interop" / "results.json"
README = ROOT / "README.md"
PAGE = ROOT / "docs" / "interop.md"
BEGIN, END = "<!-- peers: made by `make peers` -->\n", "<!-- peers end -->\n"

# What the tests call a peer, and what people do.
NAMES = {
    "asterisk": "Asterisk",
    "kamailio": "Kamailio",
    "linphonec": "linphone",
    "sipp": "SIPp",
    "socket": "plain sockets",
    "usip": "usip",
}
COLUMNS = {
    "CPython": ("cpython",),
    "MicroPython unix": ("unix32", "unix64"),
    "Cortex-M3, RV32": ("qemu-arm", "qemu-rv32"),
}
# The lines of the short table: the first whose words are in the feature takes it, unless the test's
# file says GROUP = "...". What nothing fits is a call.
GROUPS = {
    "examples/doorbell.py": "doorbell",
    "digits": "digit",
    "hold, re-INVITE, late offer": "held|hold|re-INVITE|late offer",
    "texts, OPTIONS, NOTIFY": "MESSAGE|OPTIONS|NOTIFY|text comes|unknown method",
    "refused, busy, cancelled, redirected": "refuse|busy|CANCEL|gives up|488|302|404|causes|"
    "other answers",
    "registration, digest": "regist|REGISTER|password|423|nonce|digest|granted|SHA-256|"
    "authentication|challenged",
    "calls, sound": "",
}


class Test:
    """A test function: what it is about is the first line of its docstring."""

    def __init__(self, node, peer, feature, group):
        self.node = node
        self.peer = peer
        self.feature = feature.replace("|", "/")
        self.group = group or group_of(feature)


def group_of(feature):
    return next(name for name, words in GROUPS.items() if re.search(words, feature))


def peer_of(function, default):
    for mark in function.decorator_list:
        if isinstance(mark, ast.Call) and ast.unparse(mark.func) == "pytest.mark.peer":
            return mark.args[0].value
    return default


def tests():
    """All tests in tests/interop, by node id without parameters."""
    found = {}
    for file in sorted(TESTS.glob("test_*.py")):
        tree = ast.parse(file.read_text())
        said = {}
        for n in tree.body:
            if isinstance(n, ast.Assign) and isinstance(n.value, ast.Constant):
                said[n.targets[0].id] = n.value.value
        for n in tree.body:
            if not isinstance(n, ast.FunctionDef) or not n.name.startswith("test_"):
                continue
            about = (ast.get_docstring(n) or n.name).split("\n")[0].rstrip(".")
            node = f"{file.relative_to(ROOT)}::{n.name}"
            found[node] = Test(node, peer_of(n, said.get("PEER")), about, said.get("GROUP"))
    return found


def results(found):
    """{node id without parameters: its rows}."""
    try:
        rows = json.loads(RESULTS.read_text())["rows"]
    except (OSError, ValueError):
        rows = {}
    kept = {node: [] for node in found}
    for node, row in sorted(rows.items()):
        node = node.partition("[")[0]
        if node in kept and "day" in row:
            kept[node].append(row)
    return kept


def title(row):
    """`Kamailio 5.6.3` for a row's `kamailio 5.6.3`."""
    name, _, version = row["peer"].partition(" ")
    return f"{NAMES.get(name, name)} {version}".strip()


def cell(rows, runtimes):
    rows = [r for r in rows if set(r["runtime"].split()) & set(runtimes)]
    passed = sum(r["result"] == "passed" for r in rows)
    return "" if not rows else str(passed) if passed == len(rows) else f"{passed} of {len(rows)}"


def line(*cells):
    return "| " + " | ".join(cells) + " |"


def head(*names):
    return [line(*names), "|" + "---|" * len(names)]


def by_peer(found, kept):
    """{peer's title: [(test, rows)]}."""
    peers = {}
    for node, rows in kept.items():
        peers.setdefault(title(rows[0]), []).append((found[node], rows))
    return dict(sorted(peers.items(), key=lambda x: x[0].lower()))


def short(peers):
    lines = head("peer", "what", *COLUMNS)
    for peer, pairs in peers.items():
        groups = {}
        for test, rows in pairs:
            groups.setdefault(test.group, []).extend(rows)
        for group, rows in sorted(groups.items()):
            lines.append(line(peer, group, *(cell(rows, c) for c in COLUMNS.values())))
    return "\n".join(lines) + "\n"


def page(peers):
    days = sorted(r["day"] for pairs in peers.values() for _, rows in pairs for r in rows)
    span = days[0] if days[0] == days[-1] else f"{days[0]} to {days[-1]}"
    lines = ["# What usip was tried with", ""]
    lines += [
        f"Made by `make peers` from the last runs of the tests, {span}. A number says how",
        "many tests of that feature passed; one in which two runtimes take part counts for both.",
    ]
    for peer, pairs in peers.items():
        lines += ["", f"## {peer}", "", *head("feature", *COLUMNS, "variants; what was seen")]
        for test, rows in sorted(pairs, key=lambda x: (x[0].group, x[0].feature)):
            variants = list(dict.fromkeys(r["variant"] for r in rows if r["variant"]))
            notes = list(dict.fromkeys(r["note"] for r in rows if r["note"]))
            more = "; ".join([", ".join(variants)] * bool(variants) + notes[:2])
            cells = [cell(rows, c) for c in COLUMNS.values()]
            lines.append(line(test.feature, *cells, more.replace("|", "/")))
    return "\n".join(lines) + "\n"


def around(text):
    """README.md before and after the table."""
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        sys.exit(f"{README.name} has no {BEGIN.strip()} ... {END.strip()}")
    return before + begin, end + after


def write():
    found = tests()
    kept = results(found)
    never = [node for node, rows in kept.items() if not rows]
    if never:
        files = sorted({node.partition("::")[0] for node in never})
        print(f"{len(never)} tests never ran: {' '.join(never[:5])}", file=sys.stderr)
        print(f"run build/venv/bin/pytest {' '.join(files)}", file=sys.stderr)
        return 1
    failed = [node for node, rows in kept.items() if "failed" in [r["result"] for r in rows]]
    if failed:
        print("failed when they ran last; run them again:", *failed, sep="\n", file=sys.stderr)
        return 1
    peers = by_peer(found, kept)
    before, after = around(README.read_text())
    README.write_text(before + short(peers) + after)
    PAGE.write_text(page(peers))
    return 0


def told():
    """What docs/interop.md tells: {peer's title: set of features}."""
    peers = {}
    for text in PAGE.read_text().splitlines():
        if text.startswith("## "):
            features = peers[text[3:]] = set()
        elif text.startswith("| ") and peers and not text.startswith("| feature |"):
            features.add(text[2:].partition(" | ")[0])
    return peers


def check():
    """What is wrong, in sentences."""
    wrong = []
    now = {(NAMES.get(t.peer, t.peer), t.feature): t.group for t in tests().values()}
    peers = told()
    short_of = {peer: re.sub(r" [\d.]+$", "", peer) for peer in peers}
    page_has = {(short_of[p], f) for p, features in peers.items() for f in features}
    for peer, feature in sorted(set(now) - page_has):
        wrong.append(f"{PAGE.name} has no {feature!r} with {peer}")
    for peer, feature in sorted(page_has - set(now)):
        wrong.append(f"{PAGE.name} has {feature!r} with {peer}: there is no such test")
    text = README.read_text()
    before, after = around(text)
    table = text[len(before) : len(text) - len(after)]
    want = {(p, now.get((short_of[p], f))) for p, features in peers.items() for f in features}
    has = {tuple(row[2:].split(" | ")[:2]) for row in table.splitlines()[2:]}
    for peer, group in sorted(want ^ has, key=str):
        wrong.append(f"{README.name} and {PAGE.name} differ about {group} with {peer}")
    return wrong


def main(args):
    if args not in ([], ["--check"]):
        print(__doc__, file=sys.stderr)
        return 2
    if not args:
        return write()
    wrong = check()
    print("\n".join(wrong), file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
