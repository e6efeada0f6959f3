"""Runs a command and says what it took."""

import json
import os
import signal
import statistics
import subprocess
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from .peers import own_program
from .server import BUCKET, PREFIX, Server
from .tools import Tool, environment

TIME_LIMIT = 900
"""Seconds after which a command is ended; the slowest known one takes 60."""


@dataclass
class Measurement:
    """What one command took."""

    wall: float
    """Seconds."""
    cpu: float
    """Seconds of processor time, of user and system."""
    peak: float
    """Most memory it had, in MB."""
    requests: int
    connections: int
    in_flight: int
    """Most requests at a time."""
    operations: dict[str, int]
    status: int
    """Exit status; -1 for a signal."""
    notes: list[str] = field(default_factory=list)


def median(measurements: list[Measurement]) -> Measurement:
    """The median of each number; what was noted in any is kept."""

    def middle(name: str) -> float:
        return statistics.median(getattr(one, name) for one in measurements)

    noted = Counter(note for one in measurements for note in set(one.notes))
    return Measurement(
        wall=middle("wall"),
        cpu=middle("cpu"),
        peak=middle("peak"),
        requests=round(middle("requests")),
        connections=round(middle("connections")),
        in_flight=round(middle("in_flight")),
        operations=measurements[-1].operations,
        status=max((one.status for one in measurements), key=abs),
        notes=list(noted),
    )


class Stopwatch:
    """Runs the commands of tools on one server, in one work folder."""

    def __init__(self, server: Server, programs: dict[str, Path], work: Path) -> None:
        self.server = server
        self.programs = programs
        self.work = work
        self.home = work / "home"

    def run(
        self, tool: Tool, command: list[str], folder: Path, in_flight: int
    ) -> Measurement:
        """Runs one command to its end."""
        values = {
            "program": self.programs[tool.program],
            "endpoint": self.server.endpoint,
            "bucket": BUCKET,
            "prefix": PREFIX,
            "folder": folder,
            "in_flight": in_flight,
            "work": self.work,
        }
        words = [word.format_map(values) for word in command]
        report = self.work / "report.json"
        report.unlink(missing_ok=True)
        self.home.mkdir(exist_ok=True)
        self.server.reset_statistics()
        log = self.work / "log"
        ended_early = self._wait([str(own_program("measure")), str(report), *words], log)
        asked = self.server.statistics()
        if ended_early or not report.exists():
            taken = {"wall": TIME_LIMIT, "user": 0, "system": 0, "peak_kib": 0, "status": -1}
        else:
            taken = json.loads(report.read_text())
        measurement = Measurement(
            wall=taken["wall"],
            cpu=taken["user"] + taken["system"],
            peak=taken["peak_kib"] * 1024 / 1e6,
            requests=asked["requests"],
            # One is that of the question itself.
            connections=asked["connections"] - 1,
            in_flight=asked["peak_in_flight"],
            operations=asked["operations"],
            status=taken["status"],
        )
        if measurement.status != 0:
            words_of_tool = log.read_text(errors="replace").strip().splitlines()
            last = words_of_tool[-1][:160] if words_of_tool else "no word"
            measurement.notes.append(f"exit status {measurement.status}: {last}")
        return measurement

    def _wait(self, words: list[str], log: Path) -> bool:
        """Waits for a command; says whether it had to be ended."""
        with log.open("wb") as output:
            child = subprocess.Popen(
                words,
                stdout=output,
                stderr=output,
                env=environment(self.server.endpoint, str(self.home)),
                cwd=self.work,
                # A group of its own, so that nothing of it is left when it is ended.
                start_new_session=True,
            )
            try:
                child.wait(TIME_LIMIT)
                return False
            except subprocess.TimeoutExpired:
                return True
            finally:
                if child.poll() is None:
                    os.killpg(child.pid, signal.SIGKILL)
                    child.wait()
