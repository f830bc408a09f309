"""Running a stage: what a user can mend is one line with the remedy."""

import sys

import pytest

from mem0_slm import io
from mem0_slm.engines.answer import EngineError
from stages import run_stage


def main():
    io.read_json("nowhere.json")


def test_of_a_file_that_a_stage_should_have_made_the_remedy_is_said(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["stage"])
    with pytest.raises(SystemExit, match="^1$"):
        run_stage(main)
    assert capsys.readouterr().err == "error: nowhere.json: no such file. Run `dvc repro` to make it.\n"


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (EngineError("m.gguf: no such file."), "error: m.gguf: no such file.\n"),
        (FileNotFoundError(2, "No such file", "data/x"), "error: [Errno 2] No such file: 'data/x' Run `dvc repro`"),
    ],
)
def test_what_an_engine_or_a_missing_file_says_is_one_line(error, said, in_root, monkeypatch, capsys):
    def main():
        """A door."""
        raise error

    main.__module__ = "stages"
    monkeypatch.setattr(sys, "argv", ["stages"])
    with pytest.raises(SystemExit) as ended:
        run_stage(main)
    assert ended.value.code == 1
    assert capsys.readouterr().err.startswith(said)
