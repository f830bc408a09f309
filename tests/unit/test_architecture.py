"""Who may import whom, and how long things may be. Read off the source: nothing is run.

An import counts wherever it stands, inside a function too, and so does a module named to `importlib.import_module`.
"""

import ast
import io
import subprocess
import sys
import tokenize
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

from tests.paths import ROOT

MAY_IMPORT = {
    "mem0_slm": {"mem0_slm"},
    "pipeline": {"pipeline", "mem0_slm"},
    "stages": {
        "stages",
        "pipeline",
        "mem0_slm",
        "page.settings",
    },  # all of params.yaml is checked, the chat's section too
    "page": {"page", "pipeline", "mem0_slm"},
    "tools": {"tools", "pipeline", "mem0_slm"},
    "benchmarks": {"benchmarks", "tools", "pipeline", "mem0_slm"},
    "app": {"page", "pipeline", "mem0_slm"},
}
"""Top-level packages (and app.py), and what each may import: whole packages, or a module by its name."""


def name_of(path: Path) -> str:
    """The dotted name of a module, or of the package whose __init__.py the file is."""
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


FILES = {
    name_of(path): path
    for top in MAY_IMPORT
    for path in sorted((ROOT / top).rglob("*.py")) or [ROOT / f"{top}.py"]
    if path.exists()
}
TREES = {name: ast.parse(path.read_text(encoding="utf-8")) for name, path in FILES.items()}


def named(node: ast.AST, package: str) -> list[str]:
    """What an import statement, or a call of import_module, names: dotted, from the top. `package`: where it stands."""
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom):
        above = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
        base = ".".join([*above, *([node.module] if node.module else [])])
        return [f"{base}.{alias.name}" for alias in node.names]
    if isinstance(node, ast.Call) and ast.unparse(node.func) in (
        "importlib.import_module",
        "import_module",
        "__import__",
    ):
        begin = node.args[0].values[0] if isinstance(node.args[0], ast.JoinedStr) else node.args[0]
        assert isinstance(begin, ast.Constant), (
            f"{package}: {ast.unparse(node)}: the name's beginning must be written out"
        )
        if begin is node.args[0]:
            return [begin.value]
        return [name for name in FILES if name.startswith(begin.value)]  # any module of that package
    return []


def imports(name: str) -> set[str]:
    """The modules of this project that a module imports. A name imported from a package counts as the package's."""
    path = FILES[name]
    package = name if path.name == "__init__.py" else name.rpartition(".")[0]
    found = set()
    for node in ast.walk(TREES[name]):
        for full in named(node, package):
            known = [full, full.rpartition(".")[0]]  # a module; else a name in one
            found |= {next((module for module in known if module in FILES), name)}
    return found - {name}


IMPORTS = {name: imports(name) for name in FILES}


def top(name: str) -> str:
    return name.partition(".")[0]


def test_every_package_is_read():
    assert {top(name) for name in FILES} == set(MAY_IMPORT)
    assert "pipeline.params" in IMPORTS["stages"]
    assert "mem0_slm.contract" in IMPORTS["mem0_slm.memory"]


def test_no_module_imports_itself_through_others():
    try:
        TopologicalSorter(IMPORTS).prepare()
    except CycleError as error:
        pytest.fail(" -> ".join(reversed(error.args[1])))


def test_nothing_is_imported_from_a_floor_above():
    upward = [
        f"{name} imports {other}"
        for name, others in IMPORTS.items()
        for other in others
        if not {other, top(other)} & MAY_IMPORT[top(name)]
    ]
    assert not upward


def test_no_module_imports_a_stage():
    """`stages` itself, which loads the settings and runs a stage, is for stages alone."""
    wrong = [f"{name} imports {o}" for name, others in IMPORTS.items() for o in others if o.startswith("stages.")]
    assert not wrong


# --- lengths ---

CHECKED = {name: FILES[name] for name in FILES if top(name) != "benchmarks"}


def functions(name: str) -> dict[str, int]:
    """Lines of each function and method, from `def` to its end."""
    return {
        f"{name}.{node.name}": node.end_lineno - node.lineno + 1
        for node in ast.walk(TREES[name])
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }


def within(limit: int, lengths: dict[str, int]) -> None:
    """Print the longest; fail with all that are longer than the limit."""
    ordered = sorted(lengths.items(), key=lambda item: -item[1])
    print(f"longest: {ordered[0][0]} with {ordered[0][1]} lines of {limit}")
    too_long = [f"{name}: {n}" for name, n in ordered if n > limit]
    assert not too_long


def lines(path: Path) -> int:
    return len(path.read_text(encoding="utf-8").splitlines())


def test_a_stage_has_at_most_150_lines():
    within(150, {name: lines(path) for name, path in FILES.items() if top(name) == "stages"})


def test_a_module_has_at_most_330_lines():
    within(330, {name: lines(path) for name, path in CHECKED.items()})


def test_a_function_has_at_most_60_lines():
    within(60, {where: n for name in CHECKED for where, n in functions(name).items()})


def test_the_unit_tests_load_no_torch_with_their_own_imports():
    """While one runs, tests/unit/conftest.py sees to it."""
    code = (
        "import pytest, sys; options = ['--collect-only', '-qq', '-p', 'no:cacheprovider']; "
        "assert pytest.main(['tests/unit', *options]) == 0; "
        "assert not {'torch', 'sentence_transformers', 'llama_cpp'} & set(sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr


def test_the_formatter_is_told_to_leave_out_at_most_ten_places():
    places = [
        f"{path.relative_to(ROOT)}:{token.start[0]}"
        for path in [*FILES.values(), *sorted((ROOT / "tests").rglob("*.py"))]
        for token in tokenize.generate_tokens(io.StringIO(path.read_text(encoding="utf-8")).readline)
        if token.type == tokenize.COMMENT and token.string.startswith("# fmt:")
    ]
    print(f"places that the formatter leaves out: {len(places)}")
    assert len(places) <= 10, places
