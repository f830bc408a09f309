"""What DVC runs again and what it brings back: the real dvc.yaml, every stage, with a stub in place of each command.

A stub writes what its stage declares, made from what the stage depends on, and its name into a log. So the log says what ran.
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import dvc.cli
import pytest
from dvc.repo import Repo
from ruamel.yaml import YAML

from tests.paths import ROOT
from tools.deps import is_code

STUB = """
import hashlib, json, os, sys
from pathlib import Path

name = "@".join(sys.argv[1:])
stage = json.loads(Path("stub.json").read_text())[name]
params = json.loads(Path("params.yaml").read_text())
params["models"] = params["models"][params["model"]]  # what prepare_base takes of them
made_of = hashlib.sha256(name.encode())
for key in stage["params"]:
    value = params
    for part in key.split("."):
        value = value[part]
    made_of.update(json.dumps(value, sort_keys=True).encode())
for dep in map(Path, stage["deps"]):
    if not dep.as_posix().endswith(".py"):  # code that changes figures alone makes the same model
        for file in sorted(f for f in dep.rglob("*") if f.is_file()) if dep.is_dir() else [dep]:
            made_of.update(file.read_bytes())
for out in map(Path, stage["outs"]):
    out.parent.mkdir(parents=True, exist_ok=True)
    facts = {"file": out.as_posix(), "made_of": made_of.hexdigest(), "figure": int(made_of.hexdigest()[:6], 16)}
    out.write_text(json.dumps(facts))
with open(os.environ["STUB_LOG"], "a") as log:
    log.write(name + "\\n")
"""


class Project:
    """A repository with the real dvc.yaml and stubs."""

    def __init__(self, folder: Path, log: Path):
        self.folder, self.log = folder, log

    def environment(self) -> dict[str, str]:
        changes = {"DVC_NO_ANALYTICS": "1", "PYTHONPATH": str(ROOT), "STUB_LOG": str(self.log)}
        changes["PATH"] = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
        for who in ("AUTHOR", "COMMITTER"):
            changes |= {f"GIT_{who}_NAME": "t", f"GIT_{who}_EMAIL": "t@example.com"}
        return os.environ | changes

    def run(self, *command: str) -> str:
        done = subprocess.run(command, cwd=self.folder, env=self.environment(), capture_output=True, text=True)
        assert done.returncode == 0, f"{' '.join(command)}:\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
        return done.stdout + done.stderr

    def dvc(self, *arguments: str) -> None:
        """A dvc command without its output, in this process: its imports take most of a second."""
        with pytest.MonkeyPatch.context() as patch:
            patch.chdir(self.folder)
            for name, value in self.environment().items():
                patch.setenv(name, value)
            assert dvc.cli.main([*arguments, "-q"]) == 0, f"dvc {' '.join(arguments)} failed"

    def repro(self) -> list[str]:
        """`dvc repro`; the stages that ran."""
        self.log.write_text("")
        self.dvc("repro")
        return self.log.read_text().split()

    def changed(self) -> set[str]:
        """The stages that `dvc status` calls changed; what depends on them alone is not among them."""
        return {name.removeprefix("dvc.yaml:") for name in json.loads(self.run("dvc", "status", "--json"))}

    def set(self, key: str, value) -> None:
        path = self.folder / "params.yaml"
        everything = values = json.loads(path.read_text())
        *sections, last = key.split(".")
        for section in sections:
            values = values[section]
        values[last] = value
        path.write_text(json.dumps(everything, indent=1))

    def change(self, file: str) -> None:
        with (self.folder / file).open("a") as f:
            f.write("\n# changed\n")

    def outputs(self) -> dict[str, bytes]:
        """Every file that a stage made, by its path."""
        stubs = json.loads((self.folder / "stub.json").read_text())
        return {out: (self.folder / out).read_bytes() for stub in stubs.values() for out in stub["outs"]}


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """The pipeline after its first run; a test takes a copy."""
    folder = tmp_path_factory.mktemp("run_cache") / "made"
    listed = [
        "git",
        "ls-files",
        "-co",
        "--exclude-standard",
        "mem0_slm",
        "pipeline",
        "stages",
        "data",
        "benchmarks/search.json",
    ]
    files = subprocess.run(listed, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\n")
    for name in [*files, "dvc.yaml", ".dvc/config", ".dvc/.gitignore", ".dvcignore", ".gitignore"]:
        if name and (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, folder / name)
    values = YAML(typ="safe").load((ROOT / "params.yaml").read_text())
    (folder / "params.yaml").write_text(json.dumps(values, indent=1))
    text = (folder / "dvc.yaml").read_text()
    assert text.count("python -m stages.") > 8
    text = text.replace("python -m stages.", "python stub.py ")
    # Of the code under `deps`, which another test holds against the imports, only each stage's own module and what is changed
    # here: DVC reads and writes the whole of dvc.lock around every stage, and most of it would be these lists.
    changed = {"pipeline/results.py", "pipeline/report/render.py"}
    lines = [(line, line.strip().removeprefix("- ")) for line in text.split("\n")]
    lines = [line for line, dep in lines if not is_code(dep) or dep.startswith("stages/") or dep in changed]
    (folder / "dvc.yaml").write_text("\n".join(lines))
    (folder / "stub.py").write_text(STUB)
    subprocess.run(["git", "init", "-q"], cwd=folder, check=True)
    (folder / "stub.json").write_text(json.dumps(declared(folder)))
    project = Project(folder, folder.parent / "log")
    assert sorted(project.repro()) == sorted(json.loads((folder / "stub.json").read_text()))
    project.run("git", "add", "-A")
    project.run("git", "commit", "-qm", "the first run")
    return project


def declared(folder: Path) -> dict[str, dict]:
    """What each stage depends on and makes, as DVC reads it; a folder is made by the files that others want of it."""
    with Repo(folder) as repo:
        stages = list(repo.index.stages)
        wanted = {dep.def_path for stage in stages for dep in stage.deps}
        found = {}
        for stage in stages:
            outs = []
            for out in stage.outs:
                inside = [dep for dep in wanted if dep and dep.startswith(out.def_path + "/")]
                image = f"{out.def_path}/figure.svg" if out.is_plot else f"{out.def_path}/file"
                outs += [out.def_path] if Path(out.def_path).suffix else (inside or [image])
            found[stage.name] = {
                "deps": [dep.def_path for dep in stage.deps if dep.def_path != "params.yaml"],
                "params": [key for dep in stage.deps if dep.def_path == "params.yaml" for key in dep.params],
                "outs": outs,
            }
    return found


@pytest.fixture
def project(made, tmp_path):
    shutil.copytree(made.folder, tmp_path / "project", symlinks=True)
    return Project(tmp_path / "project", tmp_path / "log")


def test_values_and_outputs_that_were_there_before_come_back_without_a_run(project, tmp_path):
    """Learning rate A, B, A; every output deleted or changed; a clone that has the remote alone."""
    first = project.outputs()
    rate = json.loads((project.folder / "params.yaml").read_text())["finetune"]["learning_rate"]
    project.set("finetune.learning_rate", rate / 2)
    assert set(project.repro()) == {
        "finetune", "export_merged", "export_gguf", "finetuned_bench", "retrieval_eval@finetuned", "truth@finetuned",
        "own_data@finetuned", "report",
    }  # fmt: skip
    second = project.outputs()
    assert second["models/adapter/file"] != first["models/adapter/file"]
    project.set("finetune.learning_rate", rate)
    assert project.repro() == []
    assert project.outputs() == first

    for number, out in enumerate(first):
        file = project.folder / out
        file.unlink()  # also before it is changed: it may be a link into the cache
        if number % 2:
            file.write_text("changed")
    shutil.rmtree(project.folder / "models/merged")
    assert project.repro() == []
    assert project.outputs() == first

    project.dvc("remote", "add", "-d", "shared", str(tmp_path / "remote"))
    project.run("git", "commit", "-qam", "a remote")
    project.dvc("push", "--run-cache")
    clone = Project(tmp_path / "clone", project.log)
    project.run("git", "clone", "-q", str(project.folder), str(clone.folder))
    people_read = {out for out in first if out.startswith("metrics/") or out.endswith((".md", ".svg"))}
    people_read |= {out for out in first if out.startswith("reports/runs/") and out.endswith(".json")}
    assert {out for out in first if (clone.folder / out).exists()} == people_read, "in git is what people read, no more"
    clone.dvc("pull", "--run-cache")
    assert clone.repro() == []
    assert clone.outputs() == first

    # other runs than the commit's, and outputs that are gone without `dvc checkout`
    project.run(sys.executable, "-m", "tools.share", "push")
    clone.run(sys.executable, "-m", "tools.share", "pull")
    (clone.folder / "dvc.lock").unlink()
    shutil.rmtree(clone.folder / "models")
    clone.set("finetune.learning_rate", rate / 2)
    assert clone.repro() == []
    assert clone.outputs() == second


def test_another_set_target_option_or_model_runs_only_what_it_touches(project):
    project.set("retrieval_eval.sets", {"mine": "data/mine.jsonl"})
    assert project.changed() == {"own_data@no_llm", "own_data@base", "own_data@finetuned"}
    target = {"engine": "llama_cpp", "model": "models/gguf/model-q8_0.gguf", "format": "GGUF", "precision": "Q8_0"}
    project.set("finetuned_bench.targets.another", target)
    project.set("report.max_fall", 0.5)
    project.set("report.another", True)
    project.set("models.another", {"source": "hub:a/b"})
    assert set(project.repro()) == {
        "own_data@no_llm", "own_data@base", "own_data@finetuned", "finetuned_bench", "prepare_base", "report",
    }  # fmt: skip


def test_how_a_figure_is_printed_or_written_trains_and_exports_nothing(project):
    project.change("pipeline/report/render.py")
    assert project.repro() == ["report"]
    project.change("pipeline/results.py")
    assert project.changed() == {
        "baseline_bench", "finetuned_bench", "grounding",
        *(f"{stage}@{c}" for stage in ("retrieval_eval", "truth", "own_data") for c in ("no_llm", "base", "finetuned")),
    }  # fmt: skip


def test_a_new_label_evaluates_nothing_again(project):
    project.change("data/labels/natural.jsonl")
    assert set(project.repro()) == {"truth@no_llm", "truth@base", "truth@finetuned", "report"}
    project.change("data/labels/statements.jsonl")
    assert set(project.repro()) == {"grounding", "report"}


def test_nothing_changed_says_so_and_the_tables_are_few(project):
    assert "Data and pipelines are up to date." in project.run("dvc", "repro")
    assert "Data and pipelines are up to date." in project.run("dvc", "status")
    shown = json.loads(project.run("dvc", "metrics", "show", "--json")).popitem()[1]["data"]
    candidates = ("no_llm", "base", "finetuned")
    assert set(shown) == {
        f"metrics/{name}.json" for name in ("baseline_speed", "finetune", "finetuned_speed", "grounding")
    } | {
        f"metrics/{name}.json"
        for c in candidates
        for name in (f"retrieval_{c}_quality", f"natural_{c}", f"own_data_{c}")
    }
