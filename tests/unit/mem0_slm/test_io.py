"""A reader never sees half a file, and errors name the place."""

import hashlib
import os
import signal
import subprocess
import sys

import pytest

from mem0_slm import io
from mem0_slm.io import DataError


def names(folder):
    return sorted(p.name for p in folder.iterdir())


def test_a_file_is_written_whole_with_its_folders(tmp_path):
    io.write_text(tmp_path / "a" / "b.txt", "naïve\n")
    assert (tmp_path / "a" / "b.txt").read_bytes() == "naïve\n".encode()
    assert names(tmp_path / "a") == ["b.txt"]


def test_a_body_that_raises_leaves_the_old_file_and_nothing_else(tmp_path):
    io.write_text(tmp_path / "b.txt", "old")
    with pytest.raises(ZeroDivisionError), io.atomic_path(tmp_path / "b.txt") as temporary:
        temporary.write_text("half")
        raise ZeroDivisionError
    assert (tmp_path / "b.txt").read_text() == "old"
    assert names(tmp_path) == ["b.txt"]


def test_a_body_that_writes_nothing_is_an_error(tmp_path):
    with pytest.raises(FileNotFoundError), io.atomic_path(tmp_path / "b.txt"):
        pass
    assert names(tmp_path) == []


def test_a_folder_replaces_the_old_folder_whole(tmp_path):
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "stale.bin").write_text("old")
    with io.atomic_path(tmp_path / "model") as temporary:
        temporary.mkdir()
        (temporary / "new.bin").write_text("new")
        assert names(tmp_path / "model") == ["stale.bin"]
    assert names(tmp_path / "model") == ["new.bin"]
    assert names(tmp_path) == ["model"]


WRITER = """
import sys, time
from mem0_slm import io
with io.atomic_path(sys.argv[1]) as temporary:
    if sys.argv[2] == "folder":
        temporary.mkdir()
    with open(temporary / "x" if sys.argv[2] == "folder" else temporary, "w") as f:
        f.write("half")
        f.flush()
        print("writing", flush=True)
        time.sleep(3600)
"""


@pytest.mark.parametrize("kind", ["file", "folder"])
@pytest.mark.parametrize("before", [None, "old"])
def test_a_killed_writer_leaves_no_half_file_under_the_name(tmp_path, kind, before):
    target = tmp_path / "out"
    if before and kind == "folder":
        target.mkdir()
        (target / "x").write_text(before)
    elif before:
        target.write_text(before)
    writer = subprocess.Popen([sys.executable, "-c", WRITER, target, kind], stdout=subprocess.PIPE, text=True)
    assert writer.stdout.readline() == "writing\n"
    writer.send_signal(signal.SIGKILL)
    assert writer.wait() == -signal.SIGKILL
    writer.stdout.close()
    assert target.exists() == bool(before)
    if before:
        assert (target / "x" if kind == "folder" else target).read_text() == before


def test_a_kill_while_a_folder_is_replaced_leaves_a_whole_one_or_none(tmp_path, monkeypatch):
    (tmp_path / "model").mkdir()
    for name in "ab":
        (tmp_path / "model" / name).write_text("old")
    seen, replace = [], os.replace

    def note(*names_):
        replace(*names_)
        seen.append(names(tmp_path / "model") if (tmp_path / "model").exists() else None)

    monkeypatch.setattr(io.os, "replace", note)
    with io.atomic_path(tmp_path / "model") as temporary:
        temporary.mkdir()
        (temporary / "c").write_text("new")
    assert seen == [None, ["c"]]


def test_json_is_sorted_ascii_and_ends_with_a_line_break(tmp_path):
    io.write_json(tmp_path / "m.json", {"b": "ñ", "a": [1, 0.5]})
    assert (tmp_path / "m.json").read_text(
        encoding="utf-8"
    ) == '{\n  "a": [\n    1,\n    0.5\n  ],\n  "b": "\\u00f1"\n}\n'
    assert io.read_json(tmp_path / "m.json") == {"a": [1, 0.5], "b": "ñ"}


@pytest.mark.parametrize("number", [float("nan"), float("inf"), -float("inf")])
def test_what_is_not_finite_is_refused_and_nothing_is_written(tmp_path, number):
    with pytest.raises(ValueError, match="not JSON compliant"):
        io.write_json(tmp_path / "m.json", {"loss": number})
    with pytest.raises(ValueError, match="not JSON compliant"):
        io.write_jsonl(tmp_path / "m.jsonl", [{"loss": 1.0}, {"loss": number}])
    assert names(tmp_path) == []


def test_jsonl_keeps_every_line_separator_inside_its_strings(tmp_path):
    rows = [{"t": "a\u2028b\u0085c\x0bd\re\nf", "b": 1}, {}]
    io.write_jsonl(tmp_path / "r.jsonl", rows)
    assert io.read_jsonl(tmp_path / "r.jsonl") == rows
    assert (tmp_path / "r.jsonl").read_bytes().count(b"\n") == 2


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b'{"id": "a"}\n\n{"id": ', "r.jsonl:3: not JSON (Expecting value: line 1 column 8 (char 7)): '{\"id\": '"),
        (b'{"id": "a"}\n[1]\n', "r.jsonl:2: expected an object, found '[1]'"),
        (b'{"id": "a"}\r\n{"id": 5}\r\n', "r.jsonl:2: key 'id' must be a str, found 5"),
        (b'{"name": "a"}\n', "r.jsonl:1: key 'id' must be a str, found None"),
    ],
)
def test_a_bad_row_is_named_by_file_and_line(tmp_path, content, message):
    (tmp_path / "r.jsonl").write_bytes(content)
    with pytest.raises(DataError) as error:
        io.read_jsonl(tmp_path / "r.jsonl", {"id": str})
    assert str(error.value) == f"{tmp_path}/{message}"


def test_files_that_are_missing_or_not_text_are_named_with_the_remedy(tmp_path):
    (tmp_path / "bad").write_bytes(b"\xff\xfe{")
    not_text = "'utf-8' codec can't decode byte 0xff in position 0: invalid start byte"
    for read, path, message in [
        (io.read_json, "gone", "no such file."),
        (io.read_jsonl, "gone", "no such file."),
        (io.read_json, "bad", f"not JSON ({not_text}). Delete it and make it again."),
        (io.read_jsonl, "bad", f"not UTF-8 text ({not_text})."),
    ]:
        with pytest.raises(DataError) as error:
            read(tmp_path / path)
        assert str(error.value) == f"{tmp_path / path}: {message}"


def test_the_digest_of_a_folder_is_of_names_and_contents(tmp_path):
    (tmp_path / "m" / "sub").mkdir(parents=True)
    (tmp_path / "m" / "b").write_bytes(b"two")
    (tmp_path / "m" / "sub" / "a").write_bytes(b"one")
    assert io.sha256(tmp_path / "m" / "b") == hashlib.sha256(b"two").hexdigest()
    assert io.sha256(tmp_path / "m") == hashlib.sha256(b"b\0two" + b"sub/a\0one").hexdigest()
    (tmp_path / "m" / "b").rename(tmp_path / "m" / "c")
    assert io.sha256(tmp_path / "m") == hashlib.sha256(b"c\0two" + b"sub/a\0one").hexdigest()
