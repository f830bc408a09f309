"""What nobody said, for the metric and, with `any_capital`, for what may be trained on."""

import pytest

from mem0_slm.text import parts, unsaid, words

CASES = [
    # conversation, memory, what is made up, and with any capital
    ("user: I moved to lisbon", "User moved to Lisbon", [], []),
    ("user: I moved to Lisbon", "User moved to Porto", ["Porto"], ["Porto"]),
    ("user: I paid 1,300", "User paid 1,200", ["1,200"], ["1,200"]),
    # a capital that may come from the beginning of a sentence: a doubt, no invention
    ("user: a cat", "Bo owns a cat", [], ["Bo"]),
    ("user: a cat", "User owns a cat. Bo feeds it", [], ["Bo"]),
    ("user: a cat", "User owns a cat (Bo)", [], ["Bo"]),
    ("user: Anne's cat", "User knows Anne-Kathrin", [], ["Kathrin"]),
    ("user: a cat", "It's a cat. I'm fond of it", [], []),
    # a capital inside a word, and one that makes no name
    ("user: a phone", "User owns an iPhone", ["iPhone"], ["iPhone"]),
    ("user: we are off to Hague", "User goes to The Hague", [], []),
    # numbers count whole, whatever stands between their digits
    ("user: it cost 3.50", "User paid 3", ["3"], ["3"]),
    ("user: my limit is 2,000 for 3 weeks", "User's limit is 3,000,000", ["3,000,000"], ["3,000,000"]),
    ("user: 7:30 sharp", "User starts at 7.30", [], []),
    ("user: 7:30 sharp", "User starts at 7", ["7"], ["7"]),
    # numbers in words
    ("user: a few bees", "User has two bees", ["two"], ["two"]),
    ("user: I own 2 cats", "User owns two cats", [], []),
    ("user: I own two cats", "User owns 2 cats", ["2"], ["2"]),
    # titles
    ("user: an old thing, the well", 'User has read "the old well"', ["the old well"], ["the old well"]),
    ("user: I read The Old Well", 'User has read "the old well"', [], []),
]


@pytest.mark.parametrize("conversation, memory, made_up, doubtful", CASES)
def test_what_nobody_said(conversation, memory, made_up, doubtful):
    assert [claim.text for claim in unsaid(memory, conversation)] == made_up
    assert [claim.text for claim in unsaid(memory, conversation, any_capital=True)] == doubtful


def test_titles_come_first_then_numbers_then_names():
    found = unsaid('User and Bo read "The Old Well" 3 times', "user: hm", any_capital=True)
    assert [claim.kind for claim in found] == ["title", "number", "name", "name", "name"]


def test_a_word_with_digits_is_one_word_of_two_parts():
    assert words("A 5kg bag – O’Hara's") == ["a", "5kg", "bag", "o", "hara", "s"]
    assert parts("A 5kg bag – O’Hara's") == ["a", "5", "kg", "bag", "o", "hara", "s"]
