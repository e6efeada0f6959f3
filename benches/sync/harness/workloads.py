"""Makes, changes and compares the files that are transferred."""

import filecmp
import os
import shutil
import time
from dataclasses import dataclass
from pathlib import Path

PIECE = 8 * 1024 * 1024
HOUR = 3600


@dataclass(frozen=True)
class Workload:
    """So many files of one size in so many folders."""

    name: str
    folders: int
    files: int
    """Number of files in each folder."""
    size: int
    """Bytes of each file."""

    @property
    def count(self) -> int:
        """Number of all files."""
        return self.folders * self.files

    @property
    def bytes(self) -> int:
        """Bytes of all files."""
        return self.count * self.size

    def keys(self) -> list[str]:
        """All names, as the server's own seeding makes them too."""
        return [
            f"{folder:04}/{file:04}"
            for folder in range(self.folders)
            for file in range(self.files)
        ]

    def changed(self) -> list[str]:
        """One percent of the names, spread evenly."""
        step = 100 if self.count >= 100 else self.count
        return self.keys()[::step]


KIB, MIB, GIB = 1 << 10, 1 << 20, 1 << 30

FULL = {
    "A": Workload("A", 100, 100, 10 * KIB),
    "B": Workload("B", 4, 50, 5 * MIB),
    "C": Workload("C", 1, 1, 2 * GIB),
    "D": Workload("D", 200, 1000, 0),
    "million": Workload("million", 1000, 1000, 0),
    "faults": Workload("faults", 3, 100, 10 * KIB),
}

QUICK = {
    "A": Workload("A", 10, 100, 10 * KIB),
    "B": Workload("B", 2, 10, 5 * MIB),
    "C": Workload("C", 1, 1, 256 * MIB),
    "D": Workload("D", 20, 1000, 0),
    "million": Workload("million", 50, 1000, 0),
    "faults": Workload("faults", 1, 100, 10 * KIB),
}


def write_random(path: Path, size: int) -> None:
    """Writes bytes that cannot be compressed."""
    with path.open("wb") as file:
        for begin in range(0, size, PIECE):
            file.write(os.urandom(min(PIECE, size - begin)))


def make(workload: Workload, folder: Path) -> None:
    """Makes the files, an hour old, so that whatever is put now is newer."""
    for number in range(workload.folders):
        (folder / f"{number:04}").mkdir(parents=True)
    for key in workload.keys():
        write_random(folder / key, workload.size)
    age(folder, workload.keys())


def age(folder: Path, keys: list[str]) -> None:
    """Makes files an hour old."""
    past = time.time() - HOUR
    for key in keys:
        os.utime(folder / key, (past, past))


def change(workload: Workload, folder: Path) -> None:
    """Gives one percent of the files another content of the same size."""
    wait_for_next_second()
    for key in workload.changed():
        write_random(folder / key, workload.size)


def wait_for_next_second() -> None:
    """S3 keeps whole seconds: what is to be newer has to wait for the next."""
    time.sleep(1.1)


def totals(folder: Path) -> tuple[int, int]:
    """Number of files below a folder, and of their bytes."""
    count = size = 0
    for parent, _folders, files in os.walk(folder):
        count += len(files)
        size += sum(os.lstat(os.path.join(parent, name)).st_size for name in files)
    return count, size


def differing(keys: list[str], left: Path, right: Path) -> list[str]:
    """The names whose content is not the same in both folders."""
    # filecmp remembers verdicts by size and time, which changes here keep.
    filecmp.clear_cache()
    return [
        key
        for key in keys
        if not (right / key).is_file() or not filecmp.cmp(left / key, right / key, shallow=False)
    ]


def room_problem(place: Path, needed: int, files: int) -> str | None:
    """Why a folder in memory cannot hold so many bytes and files, if it cannot."""
    free = shutil.disk_usage(place).free
    names = os.statvfs(place)
    with open("/proc/meminfo", encoding="ascii") as lines:
        memory = next(int(line.split()[1]) * KIB for line in lines if "MemAvailable" in line)
    # A name costs about a kilobyte of memory that no file system shows.
    needed += files * 1200
    if min(free, memory) < needed:
        return f"needs {needed / GIB:.1f} GiB, and {min(free, memory) / GIB:.1f} GiB are free"
    if names.f_files and names.f_favail < files:
        return f"needs {files} names, and {names.f_favail} are free"
    return None
