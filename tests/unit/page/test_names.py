"""Names of users."""

import pytest

from page.names import ChatError, name_of, user_id


@pytest.mark.parametrize(
    "name, user",
    [
        ("ana", "ana"),
        ("  Ana  Maria ", "Ana%20Maria"),
        ("J. O-Neil_2", "J.%20O-Neil_2"),
        ("Zoë", "Zoë"),
        ("अनीता", "अनीता"),
        ("x" * 40, "x" * 40),
    ],
)
def test_a_name_becomes_a_user_id_that_leads_back_to_it(name, user):
    assert user_id(name) == user
    assert name_of(user) == " ".join(name.split())


@pytest.mark.parametrize(
    "name, message",
    [
        ("", "^Please enter a name.$"),
        (None, "^Please enter a name.$"),
        (" \t", "^Please enter a name.$"),
        ("x" * 41, "41 characters; 40 are allowed"),
        ("<b>", "'<' is none of these"),
        ("a%20b", "'%' is none of these"),
        ("a/b", "'/' is none of these"),
        ("a\0b", "none of these"),
        ("...", "^A name has letters"),
    ],
)
def test_other_names_are_refused(name, message):
    with pytest.raises(ChatError, match=message):
        user_id(name)
