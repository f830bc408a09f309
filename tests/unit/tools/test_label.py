"""Labelling: what a reader is given, and how two readings become labels."""

import sys

import pytest

from mem0_slm import contract, io
from pipeline.data import labels
from tools import label

CONVERSATIONS = [
    {"id": "c1", "messages": [{"role": "user", "content": "My sister rows. I swim."}]},
    {
        "id": "c2",
        "messages": [{"role": "user", "content": "I moved to Kent."}, {"role": "assistant", "content": "Nice!"}],
    },
    {"id": "c3", "messages": [{"role": "user", "content": "I have two cats."}]},
]
ITEMS = [
    {"id": "c1", "memories": ["User rows; User swims"]},
    {
        "id": "c2",
        "memories": ["User moved to Kent"],
        "statements": [{"text": "User moved to Kent"}],
        "answer": contract.dump(["User lives in Kent; User moved to Kent"]),
    },
    {"id": "c3", "memories": []},
]
ASKED = [
    {"n": 1, "conversation": "c1", "statement": "User rows", "model": "abc"},
    {"n": 2, "conversation": "c1", "statement": "User swims", "model": "abc"},
    {"n": 3, "conversation": "c2", "statement": "User moved to Kent", "model": "abc"},
    {"n": 4, "conversation": "c2", "statement": "User lives in Kent", "model": "abc"},
]


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A folder with three conversations, what a model made of them, and no labels."""
    monkeypatch.chdir(tmp_path)
    io.write_jsonl(labels.CONVERSATIONS, CONVERSATIONS)
    io.write_jsonl(labels.STATEMENTS, [])
    io.write_jsonl("items.jsonl", ITEMS)
    return tmp_path


def run(monkeypatch, *arguments) -> int:
    monkeypatch.setattr(sys, "argv", ["label", *arguments])
    return label.main()


def reading(name: str, *given: tuple[str, str], of: tuple = (1, 2, 3, 4)) -> str:
    io.write_jsonl(
        name, [{"n": n, "label": what} | ({"kind": kind} if kind else {}) for n, (what, kind) in zip(of, given)]
    )
    return name


TRUE, OTHERS = ("true", ""), ("false", "another_person")


def test_a_reader_gets_what_was_stored_and_what_the_model_wrote_beside_the_conversation(here, monkeypatch, capsys):
    assert run(monkeypatch, "todo", "items.jsonl", "new", "--model", "abc") == 0
    assert "new: 4 statements of 3 conversations to read, in 1 texts" in capsys.readouterr().out
    assert io.read_jsonl("new.jsonl") == ASKED
    text = (here / "new.txt").read_text(encoding="utf-8")
    assert "polarity: a no became a yes" in text
    assert "=== c1\nuser: My sister rows. I swim.\n\n[1] User rows\n[2] User swims\n" in text
    assert (
        "=== c2\nuser: I moved to Kent.\nassistant: Nice!\n\n[3] User moved to Kent\n[4] User lives in Kent\n" in text
    )
    assert "c3" not in text


def test_two_readings_that_agree_become_labels_and_are_asked_for_no_more(here, monkeypatch, capsys):
    run(monkeypatch, "todo", "items.jsonl", "new", "--model", "abc")
    same = [OTHERS, TRUE, TRUE, TRUE]
    assert run(monkeypatch, "merge", "new.jsonl", reading("a", *same), reading("b", *same)) == 0
    assert "data/labels/statements.jsonl: 4 labels added, 4 in all; 0 decided" in capsys.readouterr().out
    found = {x.statement: (x.label, x.kind, x.decided) for x in labels.read_labels(labels.STATEMENTS, ["c1", "c2"])}
    assert found["User rows"] == ("false", "another_person", False) and found["User swims"] == ("true", "", False)
    run(monkeypatch, "todo", "items.jsonl", "again", "--model", "abc")
    assert io.read_jsonl("again.jsonl") == []
    assert run(monkeypatch, "merge", "new.jsonl", "a", "b") == 1
    assert "'User rows' of c1 has a label already" in capsys.readouterr().err


def test_where_two_readings_differ_a_third_look_decides(here, monkeypatch, capsys):
    io.write_jsonl("new.jsonl", ASKED)
    a, b = reading("a", OTHERS, TRUE, TRUE, TRUE), reading("b", OTHERS, TRUE, TRUE, ("garbled", "garbled"))
    assert run(monkeypatch, "merge", "new.jsonl", a, b) == 1
    assert "a and b differ at 1 of 4: new-differences.txt has them" in capsys.readouterr().err
    text = (here / "new-differences.txt").read_text(encoding="utf-8")
    assert "[4] User lives in Kent   (true or garbled?)" in text and "[3]" not in text
    third = reading("third", ("false", "other"), of=(4,))
    assert run(monkeypatch, "merge", "new.jsonl", a, b, third) == 0
    [lives] = [x for x in labels.read_labels(labels.STATEMENTS) if x.statement == "User lives in Kent"]
    assert (lives.label, lives.kind, lives.first, lives.second, lives.decided, lives.model) == (
        "false",
        "other",
        "true",
        "garbled",
        True,
        "abc",
    )


@pytest.mark.parametrize(
    ("given", "of", "message"),
    [
        ([TRUE] * 3, (1, 2, 3), "b: 1 have no label, the first is number 4. Add them."),
        ([TRUE] * 5, (1, 2, 3, 4, 5), "b: number 5 was not asked for. Delete it."),
        ([TRUE] * 4, (1, 2, 3, 3), "b: number 3 stands twice. Delete it."),
        ([("maybe", "")] * 4, (1, 2, 3, 4), "b: number 1: 'label' must be one of true, false, garbled"),
        ([("false", "wrong")] * 4, (1, 2, 3, 4), "b: number 1: key 'kind' must be one of another_person"),
        ([("true", "polarity")] * 4, (1, 2, 3, 4), "b: number 1: key 'kind' must be \"\" of what is true"),
    ],
)
def test_a_reading_that_does_not_fit_is_refused(here, monkeypatch, capsys, given, of, message):
    io.write_jsonl("new.jsonl", ASKED)
    assert run(monkeypatch, "merge", "new.jsonl", reading("a", *[TRUE] * 4), reading("b", *given, of=of)) == 1
    assert message in capsys.readouterr().err
    assert io.read_jsonl(labels.STATEMENTS) == []


def test_items_of_other_conversations_are_refused(here, monkeypatch, capsys):
    io.write_jsonl("items.jsonl", [{"id": "c9", "memories": []}])
    assert run(monkeypatch, "todo", "items.jsonl", "new") == 1
    assert "items.jsonl: conversation 'c9' is not among those that labels are of" in capsys.readouterr().err
    io.write_jsonl("items.jsonl", [ITEMS[0] | {"messages": CONVERSATIONS[1]["messages"]}])
    assert run(monkeypatch, "todo", "items.jsonl", "new") == 1
    assert "conversation 'c1' has other messages" in capsys.readouterr().err


def test_several_readers_share_the_texts_a_conversation_to_one_of_them(here, monkeypatch):
    assert [[s["n"] for s in part] for part in label.in_parts(ASKED, 2)] == [[1, 2], [3, 4]]
    assert [[s["n"] for s in part] for part in label.in_parts(ASKED, 3)] == [[1, 2], [3, 4]]
    assert label.in_parts(ASKED, 1) == [ASKED]
    run(monkeypatch, "todo", "items.jsonl", "new", "--parts", "2", "--model", "abc")
    assert "[1] User rows" in (here / "new-1.txt").read_text() and "[3]" in (here / "new-2.txt").read_text()


def test_the_natural_set_has_a_label_file_of_its_own(here, monkeypatch):
    """Of what was stored of both sets, the generated conversations are left out: nobody labels them."""
    io.write_jsonl(label.NATURAL_SET, CONVERSATIONS[:1])
    io.write_jsonl(labels.NATURAL, [])
    rows = [ITEMS[0] | {"set": "natural"}, {"id": "e1", "set": "eval", "memories": ["User has a cat"]}]
    io.write_jsonl("items.jsonl", rows)
    run(monkeypatch, "todo", "items.jsonl", "new", "--natural", "--model", "abc")
    assert io.read_jsonl("new.jsonl") == ASKED[:2]
    both = reading("a", OTHERS, TRUE)
    assert run(monkeypatch, "merge", "new.jsonl", both, both, "--natural") == 0
    assert len(labels.read_labels(labels.NATURAL)) == 2 and labels.read_labels(labels.STATEMENTS) == []
