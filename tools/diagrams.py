#!/usr/bin/env python3
"""Draw the state machines of usip from their own tables, as Mermaid diagrams in Markdown.

    tools/diagrams.py            write docs/state-machines.md
    tools/diagrams.py --check    exit status 1 if the page is not what the tables say

What a letter means is read from the legend above each table, so that there is one place for it.
"""

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "state-machines.md"
# module, table, title
TABLES = (
    ("transaction", "INVITE_CLIENT", "INVITE client transaction (RFC 3261 17.1.1, RFC 6026)"),
    ("transaction", "CLIENT", "Client transaction (17.1.2)"),
    ("transaction", "INVITE_SERVER", "INVITE server transaction (17.2.1, RFC 6026)"),
    ("transaction", "SERVER", "Server transaction (17.2.2)"),
    ("call", "MACHINE", "Call (13-15)"),
    ("reinvite", "MACHINE", "Session change within a call (14)"),
    ("registration", "MACHINE", "Registration (10.2)"),
)


def rows(module, table):
    """(state, event, action, next state) of a table, read from the source."""
    source = (ROOT / "usip" / f"{module}.py").read_text()
    body = re.search(rf"^{table} = \((.*?)^\)", source, re.S | re.M).group(1)
    text = "".join(re.findall(r'^\s*b"(.*?)"', body, re.M))
    return [tuple(text[i : i + 4]) for i in range(0, len(text), 5)]


def legend(module):
    """The legend above the tables, as it stands in the source."""
    source = (ROOT / "usip" / f"{module}.py").read_text()
    block = re.search(r"^# Rows: .*?(?=^[^#])", source, re.S | re.M).group(0)
    lines = [x[2:] for x in block.splitlines() if x.startswith("# ")]
    return "\n".join(x for x in lines if not x.startswith(("Rows:", "fmt:")))


def state_name(letter, module):
    text = re.search(r"^states(.*?)^events", legend(module), re.S | re.M).group(1)
    found = re.search(rf"(?:^|\s){letter} ([^\s].*?)(?=  |\n|$)", text)
    return f"{letter}: {found.group(1).strip()}" if found else letter


def diagram(module, table):
    all_rows = rows(module, table)
    states = list(dict.fromkeys([r[0] for r in all_rows] + [r[3] for r in all_rows]))
    out = ["```mermaid", "stateDiagram-v2"]
    for s in states:
        out.append(f'    state "{state_name(s, module)}" as {s}')
    # A call begins as its caller or as its callee.
    for start in "SO" if module == "call" else all_rows[0][0]:
        out.append(f"    [*] --> {start}")
    edges = {}
    for state, event, action, to in all_rows:
        edges.setdefault((state, to), []).append(f"{event}/{action}")
    for (state, to), labels in edges.items():
        # Mermaid takes a semicolon or a colon for its own.
        out.append(f"    {state} --> {to} : {'  '.join(labels)}")
    if "X" in states:
        out.append("    X --> [*]")
    out.append("```")
    return "\n".join(out)


def page():
    out = [
        "# The state machines",
        "",
        "Drawn by `tools/diagrams.py` from the tables in the code; do not edit.",
        "An arrow is marked event/action.",
    ]
    shown = set()
    for module, table, title in TABLES:
        out += ["", f"## {title}", ""]
        if module not in shown:
            out += [f"`usip/{module}.py`", "", "```", legend(module), "```", ""]
            shown.add(module)
        out.append(diagram(module, table))
    return "\n".join(out) + "\n"


def main(args):
    text = page()
    if args == ["--check"]:
        if not PAGE.exists() or PAGE.read_text() != text:
            print(f"{PAGE.name} is not what the tables say: run tools/diagrams.py")
            return 1
        return 0
    PAGE.write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
