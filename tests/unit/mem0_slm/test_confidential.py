"""What is secret in a message, and what only looks like it."""

import pytest

from mem0_slm.confidential import secret_spans


@pytest.mark.parametrize("text", ["my pin is 4821", "DB_PASSWORD=letmein", "密码是abc12345", "4821 is the alarm code"])
def test_a_value_beside_its_name_is_secret(text):
    assert secret_spans(text) == [(0, len(text))]


@pytest.mark.parametrize("text", ["I forgot my password", "the key is under the mat", "my bib number is 4821", ""])
def test_a_name_without_a_value_is_not(text):
    assert secret_spans(text) == []
