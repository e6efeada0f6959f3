"""What a public JSON Schema validator says of YAML documents.

    judge.py SCHEMA FOLDER...

prints a JSON object from each file's path to a list of what is wrong with it.
The loader types plain words as YAML 1.2 does, and so as editors do: `yes` is
text, and so are a date and `<<`.
"""

import json
import pathlib
import re
import sys

import jsonschema
import yaml


class Loader(yaml.SafeLoader):
    """PyYAML, which is YAML 1.1, with the core schema of YAML 1.2."""


CORE = {
    "null": ("^(~|null|Null|NULL|)$", ["~", "n", "N", ""]),
    "bool": ("^(true|True|TRUE|false|False|FALSE)$", list("tTfF")),
    "int": ("^([-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+)$", list("-+0123456789")),
    "float": (
        r"^([-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN))$",
        list("-+0123456789."),
    ),
}
Loader.yaml_implicit_resolvers = {}
for name, (pattern, first) in CORE.items():
    Loader.add_implicit_resolver(f"tag:yaml.org,2002:{name}", re.compile(pattern), first)


def integer(loader, node):
    text = loader.construct_scalar(node)
    return int(text, 0) if text[:2] in ("0o", "0x") else int(text)


Loader.add_constructor("tag:yaml.org,2002:int", integer)


def judge(validator, path):
    document = yaml.load(path.read_text("utf-8"), Loader)
    return [
        f"{'/'.join(map(str, error.absolute_path)) or '.'}: {error.message}"
        for error in validator.iter_errors(document)
    ]


def main():
    schema = json.loads(pathlib.Path(sys.argv[1]).read_text("utf-8"))
    kind = jsonschema.Draft202012Validator
    kind.check_schema(schema)
    files = [file for folder in sys.argv[2:] for file in sorted(pathlib.Path(folder).glob("*.yaml"))]
    print(json.dumps({str(file): judge(kind(schema), file) for file in files}))


main()
