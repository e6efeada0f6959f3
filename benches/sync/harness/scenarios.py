"""What is measured: each function does one round of one tool."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from . import workloads
from .stopwatch import Measurement, Stopwatch
from .tools import Tool
from .workloads import Workload

LATENCY = {"latency_ms": 30, "list_latency_ms": 80}
NARROW = {"latency_ms": 30, "conn_mbps": 90}

Taken = dict[str, Measurement]


@dataclass
class Bench:
    """What all rounds of one scenario share."""

    stopwatch: Stopwatch
    workload: Workload
    source: Path
    target: Path
    in_flight: int
    md5: bool
    filler: Tool
    """What fills the bucket where that is not what is measured."""
    compared: set[str] = field(default_factory=set)
    """Tools whose transfers were compared byte by byte already."""

    def control(self, **settings: int) -> None:
        """Sets the server, with what was asked for at the command line."""
        self.stopwatch.server.control(md5=int(self.md5), **settings)

    def fresh_bucket(self, **settings: int) -> None:
        """Leaves nothing of an earlier tool behind, and sets the server."""
        self.control()
        self.stopwatch.server.empty()
        shutil.rmtree(self.stopwatch.home, ignore_errors=True)
        # Else what an earlier round changed could be younger than its own upload,
        # whose time is cut to the second.
        workloads.age(self.source, self.workload.changed())
        self.control(**settings)

    def fresh_target(self) -> None:
        """Leaves nothing of an earlier tool in the target folder."""
        shutil.rmtree(self.target, ignore_errors=True)
        self.target.mkdir()

    def up(self, tool: Tool) -> Measurement:
        """Uploads the source."""
        return self.stopwatch.run(tool, tool.upload, self.source, self.in_flight)

    def down(self, tool: Tool) -> Measurement:
        """Downloads to the target."""
        return self.stopwatch.run(tool, tool.download, self.target, self.in_flight)

    def fill(self) -> None:
        """Puts the source into the bucket, at full speed."""
        self.fresh_bucket()
        filled = self.up(self.filler)
        self.check_bucket(filled)
        if filled.notes:
            raise RuntimeError(f"the bucket could not be filled: {filled.notes}")

    def check_bucket(self, measurement: Measurement) -> None:
        """Notes a bucket that has not as much as the source."""
        expected = (self.workload.count, self.workload.bytes)
        note_totals(measurement, self.stopwatch.server.totals(), expected)

    def check_target(self, measurement: Measurement, tool: Tool) -> None:
        """Notes a target that is not the source; bytes are compared once a tool."""
        expected = (self.workload.count, self.workload.bytes)
        note_totals(measurement, workloads.totals(self.target), expected)
        if tool.name not in self.compared:
            self.compared.add(tool.name)
            wrong = workloads.differing(self.workload.keys(), self.source, self.target)
            if wrong:
                measurement.notes.append(f"{len(wrong)} files have another content")


def note_totals(
    measurement: Measurement, found: tuple[int, int], expected: tuple[int, int]
) -> None:
    """Notes where number or bytes are not as expected."""
    if found != expected:
        text = f"{found[0]} files of {found[1]} bytes instead of {expected[0]} of {expected[1]}"
        measurement.notes.append(text)


def note_transfers(measurement: Measurement, operation: str) -> None:
    """Notes transfers where there was nothing to transfer."""
    count = measurement.operations.get(operation, 0)
    if count:
        measurement.notes.append(f"transferred {count} unchanged files again")


def round_trip(bench: Bench, tool: Tool) -> Taken:
    """Workloads A and B: upload, no change, one percent changed, and all that down."""
    bench.fresh_bucket()
    taken = {"upload": bench.up(tool)}
    bench.check_bucket(taken["upload"])
    if tool.compares:
        taken["no change up"] = bench.up(tool)
        note_transfers(taken["no change up"], "PutObject")
        taken["changed up"] = changed_up(bench, tool)
    bench.fresh_target()
    taken["download"] = bench.down(tool)
    bench.check_target(taken["download"], tool)
    if tool.compares:
        taken["no change down"] = bench.down(tool)
        note_transfers(taken["no change down"], "GetObject")
        taken["changed down"] = changed_down(bench, tool)
    return taken


def changed_up(bench: Bench, tool: Tool) -> Measurement:
    """Uploads after one percent of the source has changed."""
    workloads.change(bench.workload, bench.source)
    measurement = bench.up(tool)
    changed = bench.workload.changed()
    server = bench.stopwatch.server
    sent = sum(server.get(key) == (bench.source / key).read_bytes() for key in changed)
    if sent != len(changed):
        measurement.notes.append(f"{sent} of {len(changed)} changes sent")
    return measurement


def changed_down(bench: Bench, tool: Tool) -> Measurement:
    """Downloads after another writer has changed one percent of the bucket."""
    workloads.change(bench.workload, bench.source)
    changed = bench.workload.changed()
    bench.stopwatch.server.put_files(bench.source, changed)
    measurement = bench.down(tool)
    missed = workloads.differing(changed, bench.source, bench.target)
    if missed:
        fetched = len(changed) - len(missed)
        measurement.notes.append(f"{fetched} of {len(changed)} changes fetched")
    return measurement


def large_file(bench: Bench, tool: Tool) -> Taken:
    """Workload C: with parts that the server drops, and with those it keeps."""
    taken = {}
    bench.fresh_bucket(sink=1)
    taken["upload, dropped"] = bench.up(tool)
    bench.check_bucket(taken["upload, dropped"])
    bench.fresh_bucket()
    taken["upload"] = bench.up(tool)
    bench.check_bucket(taken["upload"])
    if tool.compares:
        taken["no change up"] = bench.up(tool)
        note_transfers(taken["no change up"], "UploadPart")
    bench.fresh_target()
    taken["download"] = bench.down(tool)
    bench.check_target(taken["download"], tool)
    if tool.compares:
        taken["no change down"] = bench.down(tool)
        note_transfers(taken["no change down"], "GetObject")
    return taken


def slow_server(bench: Bench, tool: Tool) -> Taken:
    """Workload A with the latency of a real S3."""
    bench.fresh_bucket(**LATENCY)
    taken = {"upload": bench.up(tool)}
    bench.check_bucket(taken["upload"])
    if tool.compares:
        taken["no change up"] = bench.up(tool)
    bench.fresh_target()
    taken["download"] = bench.down(tool)
    bench.check_target(taken["download"], tool)
    return taken


def narrow_connections(bench: Bench, tool: Tool) -> Taken:
    """Workload C with a real S3's latency and bandwidth of each connection."""
    bench.fresh_bucket(sink=1, **NARROW)
    taken = {"upload, dropped": bench.up(tool)}
    bench.check_bucket(taken["upload, dropped"])
    bench.fill()
    bench.control(**NARROW)
    bench.fresh_target()
    taken["download"] = bench.down(tool)
    bench.check_target(taken["download"], tool)
    return taken


def many_keys(bench: Bench, tool: Tool) -> Taken:
    """Workload D and the million: nothing has changed, and finding that out is all."""
    bench.fresh_bucket()
    bench.stopwatch.server.seed(bench.workload.folders, bench.workload.files)
    command = tool.upload if tool.compares else tool.survey
    measurement = bench.stopwatch.run(tool, command, bench.source, bench.in_flight)
    note_transfers(measurement, "PutObject")
    bench.check_bucket(measurement)
    return {"no change up": measurement}


FIRST_UPLOAD = ["trainyard", "raw-loop"]
"""Who uploads a million files: the peers would take from seven minutes to an hour."""


def a_million(bench: Bench, tool: Tool) -> Taken:
    """A million keys: nothing has changed, and nothing is there."""
    taken = many_keys(bench, tool)
    if tool.name in FIRST_UPLOAD:
        bench.fresh_bucket()
        taken["first upload"] = bench.up(tool)
        bench.check_bucket(taken["first upload"])
    return taken


FAULTS = {
    "20% SlowDown": {"slowdown": 20},
    "20% InternalError": {"err500": 20},
    "10% connections reset": {"reset": 10},
    "20% bodies cut short": {"truncate": 20},
    "20% bodies with a wrong byte": {"flip": 20},
}


def faulty_server(bench: Bench, tool: Tool) -> Taken:
    """Small files up and down through faults; what arrives is always compared."""
    taken = {}
    for name, settings in FAULTS.items():
        if "bodies" not in name:
            bench.fresh_bucket(**settings)
            taken[f"{name}, up"] = bench.up(tool)
            bench.check_bucket(taken[f"{name}, up"])
        bench.fill()
        bench.control(**settings)
        bench.fresh_target()
        bench.compared.discard(tool.name)
        taken[f"{name}, down"] = bench.down(tool)
        bench.check_target(taken[f"{name}, down"], tool)
    return taken


@dataclass(frozen=True)
class Scenario:
    """One table of the result."""

    name: str
    title: str
    workload: str
    round: Callable[[Bench, Tool], Taken]
    in_flight: int
    group: str
    """What `--only` calls it."""
    once: bool = False
    """Whether one round is enough, whatever was asked for."""


SCENARIOS = [
    Scenario("A", "small files", "A", round_trip, 64, "A"),
    Scenario("B", "middle files", "B", round_trip, 16, "B"),
    Scenario("C", "one large file", "C", large_file, 16, "C"),
    Scenario("D", "many keys, nothing changed", "D", many_keys, 64, "D"),
    Scenario(
        "A slow", "small files, 30 ms a request, 80 ms a listing", "A", slow_server, 256, "latency"
    ),
    Scenario(
        "C narrow",
        "one large file, 30 ms a request, 90 MB/s a connection",
        "C",
        narrow_connections,
        32,
        "latency",
    ),
    Scenario("million", "a million keys", "million", a_million, 64, "million", once=True),
    Scenario(
        "faults", "small files through faults", "faults", faulty_server, 16, "faults", once=True
    ),
]
