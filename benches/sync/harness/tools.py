"""The tools, and the exact command line of each. This is the place to change them.

A command is given as a list of words with these names in braces:

program    path of the tool's program
endpoint   address of the server, http://127.0.0.1:PORT
bucket     name of the bucket
prefix     prefix of all keys, without a slash at its end
folder     the local folder, without a slash at its end
in_flight  how many requests a bare loop keeps under way in this scenario
work       the work folder, where `rclone.conf` is
"""

from dataclasses import dataclass, field

RCLONE_TUNED = [
    "--transfers", "64",
    "--checkers", "64",
    "--fast-list",
    "--update",
    "--use-server-modtime",
    "--s3-no-check-bucket",
    "--s3-upload-concurrency", "8",
    "--multi-thread-streams", "8",
]  # fmt: skip

RCLONE = ["{program}", "--config", "{work}/rclone.conf"]
S5CMD = ["{program}", "--endpoint-url", "{endpoint}", "--log", "error"]
AWS = ["{program}", "--endpoint-url", "{endpoint}", "s3", "sync"]

FOLDER = "{folder}"
PLACE = "s3://{bucket}/{prefix}"


@dataclass(frozen=True)
class Tool:
    """A tool, or one way to call it."""

    name: str
    program: str
    """Which program it is: see `peers.find_programs`."""
    upload: list[str]
    download: list[str]
    survey: list[str] = field(default_factory=list)
    """What only compares, for tools whose `upload` does not."""
    compares: bool = True
    """Whether `upload` and `download` leave out what is there already."""


def bare_loop(name: str, client: str) -> Tool:
    """One of the loops that only transfer."""

    def command(work: str) -> list[str]:
        places = ["{endpoint}", "{bucket}", "{prefix}/", FOLDER, "{in_flight}"]
        return ["{program}", client, work, *places]

    return Tool(
        name,
        "bare-loop",
        upload=command("upload"),
        download=command("download"),
        survey=command("survey"),
        compares=False,
    )


TOOLS = [
    Tool(
        "trainyard",
        "trainyard",
        upload=["{program}", "sync", FOLDER, PLACE],
        download=["{program}", "sync", PLACE, FOLDER],
    ),
    Tool(
        "s5cmd",
        "s5cmd",
        upload=[*S5CMD, "sync", FOLDER + "/", PLACE + "/"],
        download=[*S5CMD, "sync", PLACE + "/*", FOLDER + "/"],
    ),
    Tool(
        "s5cmd-cp",
        "s5cmd",
        upload=[*S5CMD, "cp", FOLDER + "/", PLACE + "/"],
        download=[*S5CMD, "cp", PLACE + "/*", FOLDER + "/"],
        compares=False,
    ),
    Tool(
        "rclone",
        "rclone",
        upload=[*RCLONE, "sync", *RCLONE_TUNED, FOLDER, "bench:{bucket}/{prefix}"],
        download=[*RCLONE, "sync", *RCLONE_TUNED, "bench:{bucket}/{prefix}", FOLDER],
    ),
    Tool(
        "rclone-default",
        "rclone",
        upload=[*RCLONE, "sync", FOLDER, "bench:{bucket}/{prefix}"],
        download=[*RCLONE, "sync", "bench:{bucket}/{prefix}", FOLDER],
    ),
    Tool(
        "aws",
        "aws",
        upload=[*AWS, "--only-show-errors", FOLDER, PLACE],
        download=[*AWS, "--only-show-errors", PLACE, FOLDER],
    ),
    bare_loop("sdk-loop", "sdk"),
    bare_loop("raw-loop", "raw"),
]

NOT_BY_DEFAULT = ["rclone-default"]

BASELINE = "s5cmd"
"""The tool that all ratios are to."""

MILLION = ["trainyard", "rclone", "sdk-loop", "raw-loop"]
"""Who looks through a million keys by default: s5cmd needs 9 GB for that."""


def environment(endpoint: str, home: str) -> dict[str, str]:
    """The whole environment of each command: nothing of the caller's leaks in."""
    return {
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        "HOME": home,
        "LANG": "C.UTF-8",
        "NO_COLOR": "1",
        "AWS_ACCESS_KEY_ID": "bench",
        "AWS_SECRET_ACCESS_KEY": "bench",
        "AWS_REGION": "us-east-1",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_ENDPOINT_URL_S3": endpoint,
    }


def rclone_configuration(endpoint: str) -> str:
    """The content of `rclone.conf`."""
    return f"""[bench]
type = s3
provider = Other
access_key_id = bench
secret_access_key = bench
region = us-east-1
endpoint = {endpoint}
force_path_style = true
list_version = 2
"""
