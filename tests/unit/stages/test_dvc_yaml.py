"""The pipeline file against the code: DVC does not track imports, so a shared module missing from `deps` would leave
stale results in place."""

import ast
from pathlib import Path

import pytest
from ruamel.yaml import YAML

import stages
from pipeline import params
from tests.paths import ROOT

PIPELINE = YAML(typ="safe").load((ROOT / "dvc.yaml").read_text())["stages"]


def project_imports(path: Path, seen=None) -> set[Path]:
    """Files of this project that a file imports, directly or through others; imports inside functions count."""
    seen = set() if seen is None else seen
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names = [node.module] + [f"{node.module}.{alias.name}" for alias in node.names]
        else:
            continue
        for name in names:
            found = ROOT / (name.replace(".", "/") + ".py")
            if name.split(".")[0] in ("mem0_slm", "pipeline", "stages") and found.is_file() and found not in seen:
                seen.add(found)
                if found.parent.name != "stages":
                    project_imports(found, seen)
    return seen


def test_the_stages_are_those_of_the_code():
    assert list(PIPELINE) == stages.STAGES


@pytest.mark.parametrize("name", stages.STAGES)
def test_a_stage_says_what_it_is_for_and_runs_its_module(name):
    stage = PIPELINE[name]
    assert stage["desc"]
    assert stage["cmd"].startswith(f"python -m stages.{name}")


@pytest.mark.parametrize("name", stages.STAGES)
def test_every_shared_module_that_a_stage_imports_is_a_dependency(name):
    deps = PIPELINE[name]["deps"]
    for path in project_imports(ROOT / "stages" / f"{name}.py"):
        relative = str(path.relative_to(ROOT))
        # another stage's constants and parameter classes are covered by the outputs that this stage reads
        if relative.startswith("stages/"):
            continue
        assert any(relative == dep or relative.startswith(dep + "/") for dep in deps), (
            f"{name} imports {relative}: add it to its deps in dvc.yaml"
        )


@pytest.mark.parametrize("name", stages.STAGES)
def test_every_dependency_exists_or_is_made_by_a_stage(name):
    made = set()
    for stage in PIPELINE.values():
        for kind in ("outs", "metrics", "plots"):
            made |= {out if isinstance(out, str) else next(iter(out)) for out in stage.get(kind, [])}
    for dep in PIPELINE[name]["deps"]:
        assert any(out == dep or out.startswith(dep + "/") for out in made) or (ROOT / dep).exists(), dep


@pytest.mark.parametrize("name", stages.STAGES)
def test_tracked_params_exist(name):
    values = params.read(ROOT / "params.yaml")
    for key in PIPELINE[name].get("params", []):
        assert key in values, f"{name} tracks {key}, which params.yaml does not have"


def outputs(name: str, *kinds: str) -> dict[str, dict]:
    """A stage's outputs of these kinds by path, with what is said of each."""
    listed = [out for kind in kinds for out in PIPELINE[name].get(kind, [])]
    return {path: about for out in listed for path, about in ({out: {}} if isinstance(out, str) else out).items()}


def test_figures_and_reports_are_in_git():
    for name in stages.STAGES:
        for path, about in outputs(name, "outs", "metrics", "plots").items():
            if path.startswith(("metrics/", "reports/")):
                assert about.get("cache") is False, f"{path} belongs in git"


def test_every_file_of_metrics_has_its_whole_record():
    """metrics/ holds numbers; where they come from stands in the record of the same name."""
    for name in stages.STAGES:
        paths = outputs(name, "outs", "metrics")
        for path in paths:
            if path.startswith("metrics/") and path != "metrics/dataset.json":  # its counts are all there is
                assert path.replace("metrics/", "reports/runs/") in paths, path
