"""Which clauses say nothing without what stands before them, and what a question was about."""

import pytest

from mem0_slm.said.reference import points_back, spoken_of

POINTING = [
    "she's 6 now",
    "and he never pays",
    "they were bad at sums",
    "one of the boys broke it",
    "mine is bigger",
    "that was no use",
    "not ours",
    "lost four of them to the heron",
    "gave it a bath",
]
BY_ITSELF = [
    "I live in Ghent",
    "my sister says she hates it",
    "Wife's been told she's anaemic",
    "it's my brother's birthday",
    "it's been raining",
    "I'm the one who cooks",
    "the shed fell on it",
    "Tom says he is late",
]


@pytest.mark.parametrize("text", POINTING)
def test_a_clause_with_no_noun_of_its_own_points_back(text):
    assert points_back(text)


@pytest.mark.parametrize("text", BY_ITSELF)
def test_a_clause_that_names_what_it_speaks_of_does_not(text):
    assert not points_back(text)


@pytest.mark.parametrize(
    ("text", "noun"),
    [
        ("what should I get my niece", "my niece"),
        ("is a good tablet expensive", "a good tablet"),
        ("how do I clean the old stove?", "the old stove"),
        ("any ideas for my late uncle's stamps", "my late uncle's stamps"),
        ("can I put my hip replacement off", "my hip replacement"),
        ("why", ""),
        ("can I swim after that", ""),
    ],
)
def test_a_question_is_about_the_last_noun_that_it_names(text, noun):
    assert spoken_of(text) == noun
