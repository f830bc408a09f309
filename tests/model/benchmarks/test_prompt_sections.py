"""The measurement of Mem0's sections: dates, what is known, the prompts' forms, and figures that can tell right from wrong."""

import datetime
import random

import pytest

from benchmarks.prompt_sections import (
    FORMS,
    KNOWN,
    Case,
    asked,
    case,
    dates_in,
    expected,
    figures,
    kind_of,
    measure,
    resolve,
    unknown_to,
)
from mem0_slm.answers import classify
from mem0_slm.contract import dump
from pipeline.data.frames import Frame, read_frames
from pipeline.data.slots import Values
from pipeline.training import run
from tests import tiny
from tests.paths import ROOT

TRAIN = ROOT / "data/sources/train"
TODAY = datetime.date(2026, 11, 24)  # a Tuesday


@pytest.mark.parametrize(
    ("said", "resolved"),
    [
        ("User flies tomorrow", "User flies on 25 November 2026"),
        ("User moved in the day before yesterday", "User moved in on 22 November 2026"),
        ("User sang last night and today", "User sang on 23 November 2026 and on 24 November 2026"),
        ("vote on Tuesday evening", "vote on 1 December 2026 evening"),  # the next one, not today
        ("last Tuesday", "on 17 November 2026"),
        ("next Wednesday", "on 25 November 2026"),
        ("Last Monday", "on 23 November 2026"),
        ("this Saturday", "on 28 November 2026"),
        ("next week", "in the week of 30 November 2026"),
        ("last week", "in the week of 16 November 2026"),
        ("in two weeks", "on 8 December 2026"),
        ("a fortnight ago", "on 10 November 2026"),
        ("in 40 days", "on 3 January 2027"),
        ("in two months", "in January 2027"),
        ("five months ago", "in June 2026"),
        ("next month, last month", "in December 2026, in October 2026"),
        ("next March, last March", "in March 2027, in March 2026"),
        ("next December, last December", "in December 2026, in December 2025"),
        ("next November, last November, this November", "in November 2027, in November 2025, in November 2026"),
        ("two years ago", "in 2024"),
        ("since last week", "since the week of 16 November 2026"),
        (
            "User plays on Tuesdays, is in two bands, ran ten years and lasted the week",
            "User plays on Tuesdays, is in two bands, ran ten years and lasted the week",
        ),
    ],
)
def test_relative_times_become_dates(said, resolved):
    assert resolve(said, TODAY) == resolved


def test_dates_are_named_without_their_preposition():
    assert dates_in("User left last week and returns on Friday", TODAY) == [
        "the week of 16 November 2026",
        "27 November 2026",
    ]


def test_every_conversation_with_relative_dates_has_one_that_resolves():
    frames = [f for f in read_frames(TRAIN / "dates.txt") if f.memories]
    assert len(frames) > 50
    values = Values("train", 1)
    cases = [case(f, values, random.Random(1), ["User naps"] * KNOWN) for f in frames]
    assert [f.place for f, c in zip(frames, cases) if not any(dates_in(m, TODAY) for m in c.memories)] == []
    assert {c.kind for c in cases} == {"dates"}


def test_a_part_of_a_memory_that_is_known_is_dropped():
    known = ["User has a dog named Rollo", "User sails"]
    assert unknown_to(known, ["User has a dog named Rollo; User's dog Rollo is ill with distemper", "User sails"]) == [
        "User's dog Rollo is ill with distemper"
    ]


CASE = Case(
    "dialogue",
    [
        {"role": "user", "content": "I play the oboe"},
        {"role": "assistant", "content": "When?"},
        {"role": "user", "content": "next Friday"},
    ],
    ["User plays the oboe next Friday", "User has an oboe"],
    ["User plays the oboe next Friday"],
    ["User owns an oboe"],
    TODAY,
    earlier=2,
)


@pytest.mark.parametrize(
    ("form", "text"),
    [
        ("messages", "user: next Friday\n"),
        ("date", "date: Tuesday 24 November 2026\nuser: next Friday\n"),
        ("iso_date", "date: 2026-11-24\nuser: next Friday\n"),
        ("known", "known: User owns an oboe\nuser: next Friday\n"),
        ("last", "earlier user: I play the oboe\nearlier assistant: When?\nuser: next Friday\n"),
    ],
)
def test_each_form_tells_its_section(form, text):
    assert form in FORMS
    assert asked(CASE, form) == text


def test_only_the_form_with_last_messages_is_trained_on_cut_conversations():
    assert asked(CASE, "messages", training=True) == "user: I play the oboe\nassistant: When?\nuser: next Friday\n"
    assert asked(CASE, "last", training=True) == asked(CASE, "last")


def test_what_is_expected_follows_the_form():
    assert expected(CASE, "messages") == expected(CASE, "last") == CASE.memories
    assert expected(CASE, "known") == CASE.wanted
    assert expected(CASE, "date") == ["User plays the oboe on 27 November 2026", "User has an oboe"]


def test_frames_are_told_apart():
    turns = [("user", "Suggest a concert"), ("assistant", "When?"), ("user", "Friday, with Ida")]
    assert kind_of(Frame("t", turns, ["User goes to a concert with Ida"])) == "dialogue"
    assert kind_of(Frame("t", turns, ["User wants a concert"])) == "other"  # nothing of it was said last
    assert kind_of(Frame("dates_ahead", turns[:1], [])) == "dates"
    assert kind_of(Frame("t", turns, ["x"], known=("y",))) == "known"


def test_known_memories_are_filled_with_the_conversation_and_padded():
    frame = Frame(
        "t",
        [("user", "My cat {pet} is ill")],
        ["User has a cat named {pet}", "{pet} is ill"],
        known=("User has a cat, {pet}",),
        superfluous=frozenset({"User has a cat named {pet}"}),
    )
    found = case(frame, Values("train", 1), random.Random(1), [f"User naps {n}" for n in range(9)])
    pet = found.memories[0].removeprefix("User has a cat named ")
    assert found.wanted == [f"{pet} is ill"] and f"User has a cat, {pet}" in found.known and len(found.known) == KNOWN


def test_the_figures_tell_right_from_wrong():
    message = [{"role": "user", "content": "x"}]
    cases = [
        Case("dates", message, ["User sails next Friday"], ["User sails next Friday"], [], TODAY),
        Case("dates", message, ["User rows tomorrow"], ["User rows tomorrow"], [], TODAY),
        Case(
            "known",
            message,
            ["User owns a zebra", "User's zebra limps badly"],
            ["User's zebra limps badly"],
            ["User owns a zebra"],
            TODAY,
        ),
        Case("known", message, ["User owns a yak"], [], ["User has a yak"], TODAY),
        Case("other", message, [], [], [], TODAY),
    ]
    said = [
        ["User sails on 27 November 2026"],
        ["User rows tomorrow and on 1 May 2020"],
        ["User's zebra limps"],
        ["User owns a yak"],
        [],
    ]
    found = figures(cases, [classify(dump(texts)) for texts in said])
    assert found["dates_resolved"] == {"share": 0.5, "n": 2}
    assert found["dates_resolved_by_rule"] == {"share": 1.0, "n": 2}
    assert found["dates_wrong"] == {"share": 0.5, "n": 2}
    assert found["superfluous_stored_again"] == {"share": 0.5, "n": 2}
    assert found["superfluous_stored_again_by_rule"] == {
        "share": 0.5,
        "n": 2,
    }  # "owns" is not "has": the rule reads words alone
    assert found["new_words_kept_beside_known"] == {"share": round(2 / 3, 4), "n": 3}
    assert found["nothing_to_store_stored"] == {"share": 0.0, "n": 1}
    assert found["key_words_kept"] == {"share": 1.0, "n": 2}
    assert found["words_of_last_messages_kept"] == {"share": None, "n": 0}
    dialogue = figures([CASE], [classify(dump(["User plays the oboe"]))])
    assert dialogue["words_of_last_messages_kept"] == {"share": 1.0, "n": 1}  # "oboe"; nobody said "plays"
    assert dialogue["words_of_answers_kept"] == {"share": 0.0, "n": 2}


def test_a_form_is_trained_asked_and_measured(tmp_path, tokenizer, in_root, monkeypatch):
    """On a random model of two layers, whose answers are nonsense: what is measured must say so."""
    monkeypatch.setattr(run, "SCRATCH", tmp_path / "scratch")
    base = tiny.save(tiny.llama(tokenizer), tokenizer, tmp_path / "base")
    found = measure("last", [CASE] * 8, [CASE, CASE], base, memory_words=45, threads=1, folder=tmp_path / "out")
    assert found["training"]["train_examples"] == 8
    assert found["well_formed"] == {"share": 0.0, "n": 2}
    assert found["words_of_answers_kept"] == {"share": 0.0, "n": 4}
    assert "earlier user: I play the oboe" in (tmp_path / "out" / "answers.jsonl").read_text()
