"""What users type about themselves, in third person; nothing where the rules are not sure."""

import pytest

from mem0_slm.third_person import third_person

TURNED = [
    ("I moved to Leeds in May and my wife hates it", "User moved to Leeds in May and User's wife hates it"),
    ("I live in Leeds and work as a nurse", "User lives in Leeds and works as a nurse"),
    ("im allergic to nuts lol", "User is allergic to nuts"),
    ("I really don't like mornings", "User really doesn't like mornings"),
    ("allergic to nuts", "User is allergic to nuts"),
    ("been coding since 2010", "User has been coding since 2010"),
    ("my wife and i live in york", "User's wife and User live in york"),
    ("we live on the third floor", "User lives on the third floor"),
    ("the boiler is leaking.", "The boiler is leaking"),
    ("LDL is 4.9", "LDL is 4.9"),
]
UNSURE = [
    "can i swim after",
    "tell me a joke",
    'she said "I am tired"',
    "we are twelve",
    "we split the rent",
    "we met in 2010",
    "you know my sister",
    "i hate coriander, give me a recipe without it",
]


@pytest.mark.parametrize(("said", "expected"), TURNED)
def test_what_is_sure_is_turned(said: str, expected: str) -> None:
    assert third_person(said) == expected


@pytest.mark.parametrize("said", UNSURE)
def test_what_is_not_sure_is_left(said: str) -> None:
    assert third_person(said) is None


def test_the_subject_can_be_named() -> None:
    assert third_person("I book my tables by phone", "Agent") == "Agent books Agent's tables by phone"
