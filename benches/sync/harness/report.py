"""Writes the result as tables in Markdown."""

from .scenarios import SCENARIOS, Scenario
from .stopwatch import Measurement
from .targets import TARGETS, Results, Target
from .tools import BASELINE
from .workloads import GIB, Workload


def row(cells: list[str]) -> str:
    """One line of a table."""
    return "| " + " | ".join(cells) + " |"


def table(head: list[str], rows: list[list[str]]) -> str:
    """A table."""
    return "\n".join([row(head), row(["---"] * len(head)), *map(row, rows)])


def ratio(measurement: Measurement, baseline: Measurement | None) -> str:
    """Wall time as a multiple of the baseline's."""
    if baseline is None or baseline.status != 0:
        return ""
    return f" ({measurement.wall / max(baseline.wall, 0.001):.2f}x)"


def cell(measurement: Measurement | None, baseline: Measurement | None, marks: list[str]) -> str:
    """Wall, processor time, peak memory, requests and connections of one command."""
    if measurement is None:
        return "-"
    numbers = (
        f"{measurement.wall:.2f}{ratio(measurement, baseline)} / {measurement.cpu:.2f}"
        f" / {measurement.peak:.0f} / {measurement.requests:,} / {measurement.connections:,}"
        f" / {measurement.in_flight}"
    )
    return numbers + "".join(f" [{mark}]" for mark in marks)


def scenario_table(scenario: Scenario, workload: Workload, tools: dict) -> str:
    """The table of one scenario, with its notes below."""
    phases: list[str] = []
    for taken in tools.values():
        phases.extend(phase for phase in taken if phase not in phases)
    notes: list[str] = []
    rows = []
    for name, taken in tools.items():
        cells = [name]
        for phase in phases:
            measurement = taken.get(phase)
            marks = []
            for note in measurement.notes if measurement else []:
                notes.append(f"{name}, {phase}: {note}")
                marks.append(str(len(notes)))
            cells.append(cell(measurement, tools.get(BASELINE, {}).get(phase), marks))
        rows.append(cells)
    # Many phases make a table too wide to read: it is turned then.
    if len(phases) > 6:
        head, rows = turned(["", *phases], rows)
    else:
        head = ["", *phases]
    size = f"{workload.count:,} files, {workload.bytes / GIB:.2f} GiB"
    lines = [f"### {scenario.name}: {scenario.title} ({size})", "", table(head, rows)]
    if notes:
        lines += ["", *(f"{number}. {note}" for number, note in enumerate(notes, 1))]
    return "\n".join(lines)


def turned(head: list[str], rows: list[list[str]]) -> tuple[list[str], list[list[str]]]:
    """Columns as rows."""
    columns = [list(column) for column in zip(head, *rows, strict=True)]
    return columns[0], columns[1:]


def number(value: float, target: Target) -> str:
    """A value in the form of its target."""
    if target.is_ratio:
        return f"{value:.2f}x"
    return f"{value:,.0f}" + (" MB" if target.quantity == "peak" else "")


def target_row(target: Target, results: Results) -> list[str]:
    """How one target stands."""
    value = target.value(results)
    against = f" to {target.baseline}" if target.is_ratio else ""
    what = [target.scenario, target.phase, target.quantity + against]
    goal = number(target.must, target)
    if value is None:
        return [*what, goal, "", "not measured", ""]
    verdict = "met" if value <= target.must else "**not met**"
    if target.stretch is None:
        distance = ""
    elif value <= target.stretch:
        distance = f"reached ({number(target.stretch, target)})"
    else:
        distance = f"{value / target.stretch:.2f} times {number(target.stretch, target)}"
    return [*what, goal, number(value, target), verdict, distance]


def targets_table(results: Results) -> str:
    """How the targets of the scenarios that were measured stand."""
    head = ["scenario", "phase", "quantity", "must", "reached", "verdict", "stretch"]
    rows = [target_row(target, results) for target in TARGETS if target.scenario in results]
    return table(head, rows)


LEGEND = (
    "Cells: wall s (ratio to `s5cmd sync`) / processor s / peak MB / requests / connections / "
    "most requests at a time. Numbers in brackets are notes."
)


def write(results: Results, workloads: dict[str, Workload], rounds: int, is_quick: bool) -> str:
    """The whole result."""
    parts = [LEGEND, f"Medians of {rounds}."]
    if is_quick:
        parts.append("**Quick: small workloads, whose ratios say little and meet no target.**")
    for scenario in SCENARIOS:
        if scenario.name in results:
            workload = workloads[scenario.workload]
            parts.append(scenario_table(scenario, workload, results[scenario.name]))
    parts += ["### Targets", targets_table(results)]
    return "\n\n".join(parts)
