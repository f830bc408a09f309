"""What nobody said: the metric's definition (text.unsaid) and the training filter's (teacher.unstated) side by side."""

import pytest

from mem0_slm.text import unsaid
from pipeline.data.teacher import unstated

CASES = [
    # conversation, memory, the metric's verdict, the training filter's
    ("user: I moved to lisbon", "User moved to Lisbon", [], None),
    ("user: I moved to Lisbon", "User moved to Porto", ["Porto"], "unstated_name"),
    ("user: I paid 1,300", "User paid 1,200", ["1,200"], "unstated_number"),
    ("user: I own 2 cats", "User owns two cats", [], "unstated_number"),
    ("user: I own two cats", "User owns 2 cats", ["2"], "unstated_number"),
    # they differ: a capital that may come from the beginning of a sentence
    ("user: a cat", "Bo owns a cat", [], "unstated_name"),
    ("user: a cat", "User owns a cat. Bo feeds it", [], "unstated_name"),
    ("user: a cat", 'User owns a cat ("Bo")', [], "unstated_title"),
    ("user: a cat", "User owns a cat (Bo)", [], "unstated_name"),
    ("user: Anne's cat", "User knows Anne-Kathrin", [], "unstated_name"),
    # a capital inside a word
    ("user: a phone", "User owns an iPhone", ["iPhone"], None),
    ("user: we are off to the hague", "User goes to The Hague", [], None),
    ("user: we are off to Hague", "User goes to The Hague", ["The"], None),
    # numbers in part, and otherwise spelt
    ("user: it cost 3.50", "User paid 3", [], "unstated_number"),
    ("user: my limit is 2,000 for 3 weeks", "User's limit is 3,000,000", [], "unstated_number"),
    ("user: 7:30 sharp", "User starts at 7.30", [], "unstated_number"),
    ("user: a few bees", "User has two bees", [], "unstated_number"),
    # titles
    ("user: an old thing, the well", 'User has read "the old well"', [], "unstated_title"),
]


@pytest.mark.parametrize("conversation, memory, metric, training", CASES)
def test_what_nobody_said(conversation, memory, metric, training):
    assert (unsaid(memory, conversation), unstated(memory, conversation)) == (metric, training)
