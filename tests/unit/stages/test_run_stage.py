"""Running a stage: what a user can mend is one line with the remedy."""

import sys

import pytest

from mem0_slm import io
from stages import run_stage


def main():
    io.read_json("nowhere.json")


def test_of_a_file_that_a_stage_should_have_made_the_remedy_is_said(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["stage"])
    with pytest.raises(SystemExit, match="^1$"):
        run_stage(main)
    assert capsys.readouterr().err == "error: nowhere.json: no such file. Run `dvc repro` to make it.\n"
