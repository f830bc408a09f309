"""Side-by-side measurements against peers, run by hand: `python -m benchmarks.<name>`. Results lie beside the scripts."""

from mem0_slm import io
from pipeline import results


def record(name: str, result: dict, *packages: str, unprinted: tuple[str, ...] = ()) -> None:
    """Print a benchmark's figures and write them to benchmarks/<name>.json, with the machine, the commit and the
    versions of `packages`. `unprinted`: keys that are only written."""
    result = result | {"host": results.host(*packages)}
    width = max(map(len, result)) + 2
    for key, value in result.items():
        if key not in unprinted:
            print(f"{key:{width}}{value}")
    io.write_json(f"benchmarks/{name}.json", result)
