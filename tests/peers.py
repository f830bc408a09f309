"""A script in place of a program that the benchmarks compare with."""

import json
import sys


def peer(path, body: str) -> str:
    """An executable Python script in place of a peer's program; it notes its arguments, a line of JSON a call."""
    path.write_text(
        f"#!{sys.executable}\nimport json, sys\nopen({str(path) + '.calls'!r}, 'a').write(json.dumps(sys.argv[1:]) + '\\n')\n{body}"
    )
    path.chmod(0o755)
    return str(path)


def calls(path: str) -> list[dict]:
    """The options of each call: "-t 1" and "--name=value" alike; flags are True."""
    options = []
    for line in open(path + ".calls"):
        words, found = json.loads(line), {}
        while words:
            name, _, value = words.pop(0).partition("=")
            found[name.lstrip("-")] = value or (words.pop(0) if not name.startswith("--") and words else True)
        options.append(found)
    return options
