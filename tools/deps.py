"""The code that each stage of dvc.yaml depends on, found by reading its imports.

    python -m tools.deps    write the lists into dvc.yaml

DVC does not follow imports: a module that is missing from `deps` leaves stale results in place, one that is not needed
runs a stage again for nothing. Dependencies that are no code (data, models, figures) are written by hand and stay.
"""

import ast
import functools
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("mem0_slm", "pipeline")
"""Where a stage's code lies. `stages` itself is left out: it checks settings, and no output depends on it."""

ENGINES = "mem0_slm/engines"
BY_NAME = {
    node.name
    for node in ast.parse((ROOT / ENGINES / "__init__.py").read_text()).body
    if isinstance(node, ast.FunctionDef)
}
"""The functions of the package find an engine by its name at run time: a module that imports one may run any engine."""

LEFT_OUT = {
    "pipeline/results.py": ("prepare_base", "generate_dataset", "finetune", "export_merged", "export_gguf"),
    "pipeline/training/record.py": ("finetune",),
}
"""Code that a stage runs and does not depend on, each with the stages. results.py is how a figure is written: a change
there makes no other model, so nothing is trained or exported again. The stages that measure do run again, as their
records change."""


def module_file(name: str) -> Path | None:
    """The file of a module or package by its dotted name; None if it is no code of ours."""
    if name.split(".")[0] not in PACKAGES:
        return None
    path = ROOT / name.replace(".", "/")
    return next((f for f in (path.with_suffix(".py"), path / "__init__.py") if f.is_file()), None)


@functools.cache
def imported(path: Path) -> set[str]:
    """The files that one file imports, relative to the root, inside functions too. All engines are one folder."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            files = [(module_file(alias.name), alias.name) for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            files = []
            for alias in node.names:
                inner = module_file(f"{node.module}.{alias.name}")
                files.append((inner or module_file(node.module), alias.name))
        else:
            continue
        for file, name in files:
            if file:
                relative = file.relative_to(ROOT).as_posix()
                by_name = relative == f"{ENGINES}/__init__.py" and (name in BY_NAME or name.endswith("engines"))
                found.add(ENGINES if by_name else relative)
    return found


def files_beside(path: Path) -> set[str]:
    """Files that are no code, in a module's folder or one below, which the module names: templates, styles."""
    source = path.read_text()
    return {
        file.relative_to(ROOT).as_posix()
        for file in path.parent.rglob("*")
        if file.is_file() and file.suffix not in (".py", ".pyc", ".typed") and file.name in source
    }


def code_of(stage: str) -> list[str]:
    """The files and folders of code that a stage depends on, its own module first."""
    own = f"stages/{stage}.py"
    left_out = {file for file, stages in LEFT_OUT.items() if stage in stages}
    found, waiting = set(), [own]
    while waiting:
        name = waiting.pop()
        found.add(name)
        for file in sorted((ROOT / name).glob("*.py")) if name == ENGINES else [ROOT / name]:
            new = imported(file) | files_beside(file)
            waiting += [n for n in sorted(new - found - left_out) if n.endswith(".py") or n == ENGINES]
            found |= {n for n in new - left_out if not n.endswith(".py")}
    if ENGINES in found:
        found = {name for name in found if not name.startswith(ENGINES + "/")}
    return [own, *sorted(found - {own})]


def is_code(dep: str) -> bool:
    return dep.startswith(("mem0_slm/", "pipeline/", "stages/"))


def stage_of(command: str) -> str:
    """The stage's module in a command such as `python -m stages.finetune`."""
    return re.search(r"-m stages\.(\w+)", command)[1]


def rewritten(text: str) -> str:
    """dvc.yaml with the code under each `deps` as the imports say it; comments and everything else as they were."""
    lines, written, stage, inside = text.split("\n"), [], None, False
    for line in lines:
        if " -m stages." in line:
            stage = stage_of(line)
        if line.strip() == "deps:":
            indent = " " * (len(line) - len(line.lstrip()) + 2)
            own, *rest = code_of(stage)
            written += [line, f"{indent}- {own}"]
            inside = True
        elif inside and line.strip().startswith(("- ", "#")):
            if not is_code(line.strip()[2:]):
                written.append(line)
        else:
            if inside:
                written += [f"{indent}- {dep}" for dep in rest]
            inside = False
            written.append(line)
    return "\n".join(written)


def main() -> None:
    path = ROOT / "dvc.yaml"
    path.write_text(rewritten(path.read_text()))


if __name__ == "__main__":
    main()
