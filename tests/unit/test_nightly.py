"""Nightly tests run in CI where their files have changed."""

import subprocess

from tests.nightly import changed_files, is_due


def test_a_test_is_due_when_one_of_its_files_changed():
    patterns = ["pipeline/*", "dvc.yaml"]
    assert is_due(patterns, ["README.md", "pipeline/data/build.py"])
    assert is_due(patterns, ["dvc.yaml"])
    assert not is_due(patterns, ["README.md", "docs/dvc.yaml"])
    assert not is_due(patterns, [])
    assert is_due(patterns, None), "what changed is not known"


def test_changed_is_what_differs_from_the_commit_before_or_from_where_main_was_left(tmp_path):
    def git(*arguments):
        who = ["-c", "user.name=t", "-c", "user.email=t@example.com"]
        subprocess.run(["git", *who, *arguments], cwd=tmp_path, check=True, capture_output=True)

    def commit(name):
        (tmp_path / name).write_text(name)
        git("add", name)
        git("commit", "-qm", name)

    git("init", "-q")
    commit("first")
    assert changed_files(folder=tmp_path) is None, "there is no commit before"
    commit("second")
    (tmp_path / "first").write_text("edited")
    (tmp_path / "new").touch()
    assert changed_files(folder=tmp_path) == ["first", "second", "new"]
    assert changed_files("HEAD", folder=tmp_path) == ["first", "new"]
    git("update-ref", "refs/remotes/origin/main", "HEAD~1")
    commit("third")
    assert changed_files(folder=tmp_path) == ["first", "second", "third", "new"]
