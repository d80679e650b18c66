"""docs/bench.svg: heap and instructions of usip beside the rivals', out of build/bench.json.

    make chart        (matplotlib is installed into build/bench-venv)

The picture has a ground of its own, light or dark as the reader's screen is."""

import json
import os
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
OUT = os.path.join(ROOT, "docs", "bench.svg")

INK, FAINT, GROUND = "#1f2328", "#d1d9e0", "#ffffff"
OURS, OTHERS = "#1f6feb", "#818b98"
DARK = {INK: "#e6edf3", FAINT: "#3d444d", GROUND: "#0d1117", OURS: "#4493f8", OTHERS: "#9198a1"}


def rows():
    with open(os.path.join(ROOT, "build", "bench.json")) as f:
        return {r["name"]: r for r in json.load(f)}


def panels(bench):
    """[(title, [(label, value, ours)])]; what was not measured is left out."""

    def value(name, scale=1.0):
        return bench[name]["value"] / scale if name in bench else None

    with open(os.path.join(HERE, "rivals.json")) as f:
        voip = json.load(f)["uPyVoip"]
    kb = 1024
    heap = [
        ("import kept, frozen", value("heap_import_phone_frozen", kb), True),
        ("import kept, .mpy", value("heap_import_phone_mpy", kb), True),
        ("uPyVoip: import kept, .mpy", voip["heap_import_mpy"] / kb, False),
        ("registers, frozen", value("heap_register_frozen", kb), True),
        ("registers, .mpy", value("heap_register_mpy", kb), True),
        ("uPyVoip: registers, .mpy", voip["heap_register_mpy"] / kb, False),
        ("call with sound, frozen", value("heap_call_frozen", kb), True),
        ("call with sound, .mpy", value("heap_call_mpy", kb), True),
    ]
    m3 = [
        ("message parsed", value("m3_parse_instructions", 1000), True),
        ("by the naive parser", value("m3_naive_parse_instructions", 1000), False),
        ("200 OK built", value("m3_build_200_instructions", 1000), True),
        ("by the naive builder", value("m3_naive_build_200_instructions", 1000), False),
        ("digest answered", value("m3_digest_md5_instructions", 1000), True),
        ("RTP packet made and played", value("m3_rtp_instructions", 1000), True),
        ("G.711 frame encoded", value("m3_g711_encode_instructions", 1000), True),
    ]
    race = []
    for what, title in (("parse", "Parse"), ("build_200", "200 OK")):
        found = [("naive", 1.0, False), ("usip", value(what + "_x_naive"), True)]
        for name in ("sippy", "aiosipua", "sipmessage"):
            found.append((name, value(f"{what}_{name}_x_naive"), False))
        race.append((f"{title}: times naive, CPython", found))
    found = [
        ("Heap: KB, MicroPython, 32 bits", heap),
        ("Cortex-M3: 1,000 instructions", m3),
        *race,
    ]
    return [(t, [b for b in bars if b[1] is not None]) for t, bars in found]


def with_matplotlib():
    """Again, on the interpreter that has it."""
    from speed import venv

    python = venv()
    command = [python, "-c", "import matplotlib"]
    if python == sys.executable or subprocess.run(command, capture_output=True).returncode:
        print("chart: matplotlib cannot be installed here", file=sys.stderr)
        return 1
    return subprocess.run([python, __file__]).returncode


def draw(found, what):
    import matplotlib

    matplotlib.use("svg")
    import matplotlib.pyplot as plt

    # Text stays text: it can be searched, and takes the reader's colours.
    plt.rcParams.update({"svg.fonttype": "none", "svg.hashsalt": "usip", "font.size": 10})
    plt.rcParams["font.family"] = "DejaVu Sans"
    for key in ("text.color", "axes.labelcolor", "xtick.color", "ytick.color"):
        plt.rcParams[key] = INK
    figure, axes = plt.subplots(
        *(2, 2), figsize=(10, 6.6), facecolor=GROUND, height_ratios=(8, 5), layout="constrained"
    )
    figure.get_layout_engine().set(w_pad=0.15, h_pad=0.15)
    for ax, (title, bars) in zip(axes.flat, found):
        ax.set_facecolor("none")
        colours = [OURS if ours else OTHERS for _, _, ours in bars]
        drawn = ax.barh([b[0] for b in bars], [b[1] for b in bars], color=colours, height=0.66)
        texts = [f"{b[1]:,.1f}" if b[1] < 100 else f"{b[1]:,.0f}" for b in bars]
        ax.bar_label(drawn, texts, padding=4, color=INK)
        ax.set_title(title, loc="left", fontsize=10.5, fontweight="bold", color=INK)
        ax.invert_yaxis()
        ax.margins(x=0.16)
        ax.xaxis.set_visible(False)
        ax.tick_params(length=0)
        for side, spine in ax.spines.items():
            spine.set_visible(side == "left")
            spine.set_color(FAINT)
    figure.supxlabel(what, fontsize=9, color=INK)
    figure.savefig(OUT, facecolor=GROUND, metadata={"Date": None, "Title": "usip beside others"})
    plt.close(figure)


def adapt(path):
    """Let the reader's screen choose: dark colours by a style of the picture's own."""
    with open(path) as f:
        text = f.read()
    rules = "".join(
        f'[style*="fill: {light}"]{{fill:{dark}!important}}'
        f'[style*="stroke: {light}"]{{stroke:{dark}!important}}'
        for light, dark in DARK.items()
    )
    style = f"<style>@media (prefers-color-scheme: dark){{{rules}}}</style>\n"
    at = text.index("<defs>")
    with open(path, "w") as f:
        f.write(text[:at] + style + text[at:])


def main():
    try:
        import matplotlib  # noqa: F401
    except ImportError:
        return with_matplotlib()
    try:
        bench = rows()
    except OSError:
        bench = {}
    found = panels(bench)
    lacking = [t for t, bars in found if not any(ours for _, _, ours in bars)]
    if lacking:
        print(f"chart: not in build/bench.json: {'; '.join(lacking)}; make bench", file=sys.stderr)
        return 1
    versions = bench["parse_x_naive"]["versions"]
    names = [f"usip {versions['usip']}", f"Python {versions['python']}"]
    for name in ("sippy", "aiosipua", "sipmessage"):
        row = bench.get(f"parse_{name}_x_naive")
        if row:
            names.append(f"{name} {row['versions'].get(name, '')}")
    draw(found, "Shorter is better; blue is usip.  " + ", ".join(names))
    adapt(OUT)
    print(os.path.relpath(OUT, ROOT))
    return 0


if __name__ == "__main__":
    sys.exit(main())
