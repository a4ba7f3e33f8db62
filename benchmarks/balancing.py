"""Strategies under traffic: the table and the picture of docs/balancing.md.

Run: python benchmarks/balancing.py --write
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

_ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(_ROOT / "tests" / "routing"))

from traffic import SCENARIOS, Scenario, Traffic  # noqa: E402  it lies beside the tests that use it

PAGE, PICTURE = _ROOT / "docs" / "balancing.md", _ROOT / "docs" / "balancing.svg"
BEGIN, END = "<!-- table of benchmarks/balancing.py -->", "<!-- end of the table -->"

COLOURS = {
    "ordered": "#8a8a8a",
    "simple-shuffle": "#1e88e5",
    "latency-based-routing": "#d81b60",
    "least-busy": "#b8860b",
    "usage-based-routing-v2": "#7e57c2",
    "cost-based-routing": "#2e9e5b",
}
"""Of each strategy; legible on white and on dark grey."""

Row = dict[str, Any]


def main() -> None:
    """Print the table, or write it and the picture."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=int, default=15_000)
    parser.add_argument("--write", action="store_true", help="into docs/")
    parser.add_argument(
        "--rows", type=Path, help="a file of figures: read if it is there, else written"
    )
    options = parser.parse_args()
    if options.rows and options.rows.exists():
        rows = json.loads(options.rows.read_text("utf-8"))
    else:
        rows = [
            measured(scenario, name, options.calls) for scenario in SCENARIOS for name in COLOURS
        ]
    if options.rows:
        options.rows.write_text(json.dumps(rows), "utf-8")
    print(table(rows))
    if options.write:
        page = PAGE.read_text("utf-8")
        before, _, rest = page.partition(BEGIN)
        after = rest.partition(END)[2]
        PAGE.write_text(f"{before}{BEGIN}\n\n{table(rows)}\n\n{END}{after}", "utf-8")
        PICTURE.write_text(picture(rows), "utf-8")


def measured(scenario: Scenario, strategy: str, calls: int) -> Row:
    """What became of a run."""
    found = Traffic(scenario, calls, routing_strategy=strategy).outcome()
    print(scenario.name, strategy, found, file=sys.stderr)
    return {
        "scenario": scenario.name,
        "strategy": strategy,
        "lost": found.lost,
        "troubled": found.troubled,
        "rescued": found.rescued,
        "seconds": found.seconds,
        "added": found.added,
        "dollars": found.dollars,
    }


def table(rows: list[Row]) -> str:
    """In Markdown; the best of a scenario in bold."""
    lines = [
        "| Scenario | Strategy | First attempt failed | Rescued | Added time | USD per 1,000 calls |",
        "|---|---|---:|---:|---:|---:|",
    ]
    for scenario in SCENARIOS:
        mine = [row for row in rows if row["scenario"] == scenario.name]
        least = {key: min(row[key] for row in mine) for key in ("added", "dollars")}
        for at, row in enumerate(mine):
            added, dollars = (
                _bold(f"{row[key]:.2f}{unit}", row[key] == least[key])
                for key, unit in (("added", " s"), ("dollars", ""))
            )
            rescued = f"{row['rescued']:.2%}" if row["troubled"] else ""
            name = scenario.name if at == 0 else ""
            lines.append(
                f"| {name} | `{row['strategy']}` | {row['troubled']:,} | {rescued} | {added} | {dollars} |"
            )
    return "\n".join(lines)


def _bold(text: str, is_best: bool) -> str:
    return f"**{text}**" if is_best else text


_WIDE, _HIGH, _COLUMNS = 215, 175, 4
_LEFT, _TOP = 38, 26
_INNER_WIDE, _INNER_HIGH = 165, 112
_STYLE = """<style>
text { fill: #808080 } .name { font-size: 12px; font-weight: 600 }
.axis { stroke: #808080; fill: none } .grid { stroke: #808080; stroke-opacity: 0.25 }
</style>"""


def picture(rows: list[Row]) -> str:
    """Seconds and dollars of each strategy, a panel for each scenario, and what the colours mean in the last one."""
    seconds = 1.08 * max(row["seconds"] for row in rows)
    dollars = 1.15 * max(row["dollars"] for row in rows)
    panels = [
        _panel(at, scenario.name, [row for row in rows if row["scenario"] == scenario.name], seconds, dollars)
        for at, scenario in enumerate(SCENARIOS)
    ]  # fmt: skip
    lines = -(-(len(SCENARIOS) + 1) // _COLUMNS)
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDE * _COLUMNS} {_HIGH * lines}" role="img" '
        'aria-label="Seconds and US dollars of each strategy in each scenario" font-family="system-ui, sans-serif" '
        'font-size="10">'
    )
    return "\n".join((head, _STYLE, *panels, _legend(len(SCENARIOS)), "</svg>\n"))


def _corner(at: int) -> tuple[int, int]:
    return (at % _COLUMNS) * _WIDE + _LEFT, (at // _COLUMNS) * _HIGH + _TOP


def _panel(at: int, name: str, rows: list[Row], seconds: float, dollars: float) -> str:
    left, top = _corner(at)
    bottom = top + _INNER_HIGH
    parts = [
        f'<text class="name" x="{left}" y="{top - 10}">{name}</text>',
        f'<path class="axis" d="M{left} {top}V{bottom}H{left + _INNER_WIDE}"/>',
        f'<text x="{left + _INNER_WIDE}" y="{bottom + 26}" text-anchor="end">seconds of a call</text>',
        f'<text x="{left - 26}" y="{bottom - 2}" transform="rotate(-90 {left - 26} {bottom - 2})">USD per 1,000</text>',
    ]
    for value in range(0, int(seconds) + 1, 2):
        x = left + value / seconds * _INNER_WIDE
        parts.append(f'<path class="grid" d="M{x:.1f} {top}V{bottom}"/>')
        parts.append(f'<text x="{x:.1f}" y="{bottom + 13}" text-anchor="middle">{value}</text>')
    for value in range(0, int(dollars) + 1, 2):
        y = bottom - value / dollars * _INNER_HIGH
        parts.append(f'<path class="grid" d="M{left} {y:.1f}H{left + _INNER_WIDE}"/>')
        parts.append(f'<text x="{left - 6}" y="{y + 3.5:.1f}" text-anchor="end">{value}</text>')
    for row in rows:
        x = left + row["seconds"] / seconds * _INNER_WIDE
        y = bottom - row["dollars"] / dollars * _INNER_HIGH
        parts.append(_dot(x, y, row["strategy"]))
    return "\n".join(parts)


def _dot(x: float, y: float, strategy: str) -> str:
    title = f"<title>{strategy}</title>"
    # A shuffle and the usage of equal calls come out alike: the one shows behind the other.
    radius = 7 if strategy == "simple-shuffle" else 4.5
    return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{radius}" fill="{COLOURS[strategy]}" fill-opacity="0.85">{title}</circle>'


def _legend(at: int) -> str:
    left, top = _corner(at)
    parts = []
    for line, strategy in enumerate(COLOURS):
        y = top + 8 + 20 * line
        parts += [
            _dot(left, y, strategy),
            f'<text x="{left + 12}" y="{y + 3.5}" font-size="12">{strategy}</text>',
        ]
    return "\n".join(parts)


if __name__ == "__main__":
    main()
