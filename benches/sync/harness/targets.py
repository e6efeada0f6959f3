"""The targets that Trainyard's sync is held to, as ratios to `s5cmd sync`."""

from dataclasses import dataclass

from .stopwatch import Measurement
from .tools import BASELINE

OURS = "trainyard"

Results = dict[str, dict[str, dict[str, Measurement]]]
"""Scenario, tool and phase to the median of its rounds."""


@dataclass(frozen=True)
class Target:
    """A number that has to be reached, and perhaps one that would be nice."""

    scenario: str
    phase: str
    quantity: str
    """`wall` and `cpu` are ratios; `peak` is in MB, `requests` and `connections` count."""
    must: float
    stretch: float | None = None
    baseline: str = BASELINE

    @property
    def is_ratio(self) -> bool:
        """Whether it is held against another tool."""
        return self.quantity in ("wall", "cpu")

    def value(self, results: Results) -> float | None:
        """What was reached; `None` where it was not measured."""
        tools = results.get(self.scenario, {})
        ours = tools.get(OURS, {}).get(self.phase)
        if ours is None or ours.status != 0:
            return None
        value = getattr(ours, self.quantity)
        if not self.is_ratio:
            return value
        theirs = tools.get(self.baseline, {}).get(self.phase)
        if theirs is None or theirs.status != 0:
            return None
        return value / max(getattr(theirs, self.quantity), 0.001)


def usual(
    scenario: str, phase: str, wall: tuple[float, float], cpu: float, peak: float
) -> list[Target]:
    """The three usual targets of a phase."""
    return [
        Target(scenario, phase, "wall", *wall),
        Target(scenario, phase, "cpu", cpu),
        Target(scenario, phase, "peak", peak),
    ]


TARGETS = [
    *usual("A", "upload", (0.22, 0.10), 0.20, 60),
    Target("A", "upload", "wall", 0.55, 0.30, baseline="s5cmd-cp"),
    Target("A", "upload", "cpu", 0.50, baseline="s5cmd-cp"),
    # 10,000 files, up to ten pages of a listing, and nothing asked twice.
    Target("A", "upload", "requests", 10_020),
    Target("A", "upload", "connections", 300),
    *usual("A", "no change up", (0.20, 0.08), 0.12, 40),
    *usual("A", "no change down", (0.20, 0.08), 0.12, 40),
    *usual("A", "changed up", (0.25, 0.12), 0.20, 40),
    *usual("A", "changed down", (0.25, 0.12), 0.20, 40),
    *usual("A", "download", (0.22, 0.10), 0.20, 60),
    Target("A", "download", "requests", 10_010),
    *usual("B", "upload", (0.55, 0.40), 0.35, 200),
    *usual("B", "download", (0.95, 0.80), 0.90, 200),
    *usual("C", "upload, dropped", (0.45, 0.30), 0.35, 200),
    *usual("C", "download", (1.10, 1.00), 1.05, 64),
    *usual("D", "no change up", (0.12, 0.07), 0.06, 40),
    Target("A slow", "upload", "wall", 0.25, 0.18),
    Target("A slow", "download", "wall", 0.25, 0.20),
    Target("C narrow", "upload, dropped", "wall", 0.45, 0.32),
    Target("C narrow", "download", "wall", 0.30, 0.20),
    Target("million", "no change up", "peak", 64),
    Target("A", "upload", "wall", 0.45, baseline="rclone"),
    Target("D", "no change up", "wall", 0.40, baseline="rclone"),
    Target("A", "upload", "wall", 0.07, baseline="aws"),
]
