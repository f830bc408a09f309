"""The labels of statements: how they are read, split and compared, and what keeps them apart from the evaluation."""

import re

import pytest

from mem0_slm import io
from pipeline.data import labels
from pipeline.data.eval_items import EvalItem
from pipeline.data.held_out import Reserved, evaluation_set, ngrams
from pipeline.data.labels import Label
from pipeline.data.slots import Values
from pipeline.paths import SOURCES
from tests.paths import ROOT

TRUE = {
    "conversation": "c1",
    "statement": "User has a boat",
    "label": "true",
    "kind": "",
    "first": "true",
    "second": "true",
    "decided": False,
    "model": "0123456789ab",
}


def written(path, *rows):
    io.write_jsonl(path, rows)
    return path


def of(first: str, second: str, label: str = "", conversation: str = "c1", statement: str = "s") -> Label:
    """A label that two readers gave; `label` decides where they differ."""
    label = label or first
    kind = "" if label == "true" else "invented"
    return Label(conversation, statement, label, kind, first, second, first != second, "m")


# --- reading ---


def test_a_label_is_read_as_it_was_written(tmp_path):
    found = [of("true", "true", statement="b"), of("false", "true", "garbled", statement="a")]
    labels.write_labels(tmp_path / "l.jsonl", found)
    assert labels.read_labels(tmp_path / "l.jsonl") == found[::-1]  # in the order of their statements


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"label": "right"}, "key 'label' must be one of true, false, garbled, found 'right'"),
        ({"first": ""}, "key 'first' must be one of true, false, garbled, found ''"),
        ({"decided": 0}, "key 'decided' must be a bool, found 0"),
        ({"statement": " "}, "key 'statement' must not be empty"),
        ({"note": "x"}, "unknown key 'note'. Remove it or use one of conversation, statement"),
        ({"kind": "polarity"}, "key 'kind' must be \"\" of what is true, found 'polarity'"),
        (
            {"label": "false", "first": "false", "second": "false"},
            "key 'kind' must be one of another_person, .*found ''",
        ),
        (
            {"label": "false", "first": "false", "second": "false", "kind": "garbled"},
            "key 'kind' must not be 'garbled' of what is false: where no kind fits, it is 'other'",
        ),
        ({"second": "false"}, "key 'decided' must be true: the readers differ, so a third look decides"),
        ({"decided": True}, "key 'decided' must be false: the readers agree"),
        ({"label": "garbled", "kind": "garbled"}, "key 'label' must be 'true', on which both readers agree"),
    ],
)
def test_what_is_no_label_is_named_with_file_line_and_key(tmp_path, change, message):
    path = written(tmp_path / "l.jsonl", TRUE, TRUE | {"conversation": "c2"} | change)
    with pytest.raises(io.DataError, match=f"l.jsonl:2: {message}"):
        labels.read_labels(path)


def test_a_statement_has_one_label_and_a_conversation(tmp_path):
    with pytest.raises(io.DataError, match="l.jsonl:2: 'User has a boat' of c1 has a label already. Delete one."):
        labels.read_labels(written(tmp_path / "l.jsonl", TRUE, TRUE))
    with pytest.raises(io.DataError, match="l.jsonl:1: key 'conversation': 'c1' is none of those"):
        labels.read_labels(written(tmp_path / "l.jsonl", TRUE), ["c2"])


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"id": "a", "messages": []}, "key 'messages' must be a list of {role, content}, with at least one"),
        ({"id": "a", "messages": [{"role": "user"}]}, "found {'role': 'user'}"),
        ({"id": 1, "messages": []}, "key 'id' must be a str, found 1"),
        ({"id": "c", "messages": [{"role": "user", "content": "Hi"}]}, "id 'c' stands twice"),
    ],
)
def test_what_is_no_conversation_is_named(tmp_path, row, message):
    path = written(tmp_path / "c.jsonl", {"id": "c", "messages": [{"role": "user", "content": "Hello"}]}, row)
    with pytest.raises(io.DataError, match=f"c.jsonl:2: .*{message}"):
        labels.read_conversations(path)


# --- the split ---


def test_a_conversation_lies_in_one_half_for_good():
    names = [f"conversation {i}" for i in range(1000)]
    held_out = [name for name in names if labels.held_out(name)]
    assert 450 < len(held_out) < 550
    assert of("true", "true", conversation=held_out[0]).held_out
    # the first byte of the SHA-256 of b, d and f is 3e, 18 and 25: the last is odd
    assert [labels.held_out(name) for name in "bdf"] == [False, False, True]


# --- agreement ---


def test_agreement_and_kappa_by_hand():
    """Of 10 both say true 5 times and false 2 times; they differ 3 times. By chance they agree on
    0.6 * 0.7 (true) + 0.4 * 0.2 (false) + 0 * 0.1 (garbled) = 0.5: kappa is (0.7 - 0.5) / (1 - 0.5) = 0.4."""
    pairs = [("true", "true")] * 5 + [("false", "false")] * 2
    pairs += [("true", "garbled"), ("false", "true"), ("false", "true")]
    assert labels.agreement(of(a, b) for a, b in pairs) == {
        "readers_statements": 10,
        "third_looks": 3,
        "readers_agree": 0.7,
        "readers_kappa": 0.4,
    }


def test_agreement_of_nothing_and_of_one_label_alone():
    assert labels.agreement([]) == {"readers_statements": 0, "third_looks": 0}
    assert labels.agreement([of("true", "true")])["readers_kappa"] == 1.0


# --- the files of the repository ---


def test_the_label_files_hold_what_they_should(in_root):
    conversations = labels.read_conversations()
    labels.read_labels(labels.STATEMENTS, conversations)
    natural = {row["id"] for row in io.read_jsonl(SOURCES / "natural.jsonl", {"id": str})}
    labels.read_labels(labels.NATURAL, natural)


@pytest.fixture(scope="module")
def evaluation() -> list[EvalItem]:
    values = Values("eval", 1)
    return [
        item for name in ("eval_frames", "natural") for item in evaluation_set(ROOT / SOURCES / f"{name}.jsonl", values)
    ]


def test_no_labelled_conversation_is_one_of_the_evaluation(evaluation):
    """Rules are tuned on them: they share no six words in a row with an evaluation item."""
    runs = Reserved(evaluation).runs
    assert ngrams(evaluation[0].messages[0]["content"], Reserved.RUN) <= runs and len(runs) > 1000
    for identity, messages in labels.read_conversations(ROOT / labels.CONVERSATIONS).items():
        for message in messages:
            assert not ngrams(message["content"], Reserved.RUN) & runs, identity


def test_only_the_measures_of_truth_and_the_labelling_read_the_natural_labels():
    """Nothing is tuned on them: no other code names the file, no other stage depends on it."""
    named = re.compile(r"labels\.NATURAL\b|labels/natural|labels import [^\n]*\bNATURAL\b")
    readers = {
        path.relative_to(ROOT).as_posix()
        for folder in ("mem0_slm", "pipeline", "stages", "page", "tools", "benchmarks")
        for path in (ROOT / folder).rglob("*.py")
        if named.search(path.read_text(encoding="utf-8"))
    }
    assert readers <= {"pipeline/data/labels.py", "pipeline/evaluation/truth.py", "stages/truth.py", "tools/label.py"}
    lines = (ROOT / "dvc.yaml").read_text(encoding="utf-8").split("\n")
    for i, line in enumerate(lines):
        assert line.strip() not in ("- data/labels", "- data"), "a stage depends on the files that it reads"
        if "data/labels/natural" in line:
            assert "stages.truth" in [above for above in lines[:i] if " -m stages." in above][-1]
