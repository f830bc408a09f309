"""Pieces of Go's text/template, which Ollama renders prompts with.

The language has no string search, but it has what one is made of: `range $i := len $s` counts the bytes of a string,
`index $s $i` is one of them, `slice $s $i` cuts, `eq` compares, and the length of a slice is a difference of two
places. A byte costs one to two microseconds. `range` over an integer needs Go 1.24, which Ollama has been built with
since 0.5.12 (with Go 1.26 since 0.23.1).

Every action trims the white space in front of it; what is said stands in quotes.
"""

import json

WHITE_SPACE = r"' ' '\t' '\n' '\v' '\f' '\r'"


def quote(text: str) -> str:
    return json.dumps(text)  # JSON's escapes are Go's


def say(text: str) -> str:
    return f"{{{{- {quote(text)} }}}}"


def fill(go: str, **values) -> str:
    """`go` with each @NAME@ replaced by the value of that name."""
    for name, value in values.items():
        go = go.replace(f"@{name}@", str(value))
    return go.strip("\n")


def search(text: str, needle: str, found: str, *, last: bool = False) -> str:
    """Run `found` at the first or the last `needle` in the variable `text`; $i is its place, $at what begins there."""
    walk = (
        """
{{- range $k := len @TEXT@ }}
{{- $i := len (slice @TEXT@ 1 (len (slice @TEXT@ $k))) }}
"""
        if last
        else """
{{- range $i := len @TEXT@ }}
"""
    )
    test = """
{{- if eq (index @TEXT@ $i) '@BYTE@' }}
{{- $at := slice @TEXT@ $i }}
{{- if and (ge (len $at) @SIZE@) (eq (slice $at 0 @SIZE@) @NEEDLE@) }}
@FOUND@
{{- break }}
{{- end }}
{{- end }}
{{- end }}
"""
    values = {
        "TEXT": text,
        "BYTE": quote(needle[0])[1:-1],
        "SIZE": len(needle.encode()),
        "NEEDLE": quote(needle),
        "FOUND": found,
    }
    return fill(walk.rstrip("\n") + test, **values)


def strip(text: str, what: str = WHITE_SPACE, *, left: bool = True) -> str:
    """Take the bytes in `what` from both ends of the variable `text`, or from its right end only."""
    from_left = """
{{- range len @TEXT@ }}
{{- if not (eq (index @TEXT@ 0) @WHAT@) }}
{{- break }}
{{- end }}
{{- @TEXT@ = slice @TEXT@ 1 }}
{{- end }}
"""
    from_right = """
{{- range len @TEXT@ }}
{{- $end := len (slice @TEXT@ 1) }}
{{- if not (eq (index @TEXT@ $end) @WHAT@) }}
{{- break }}
{{- end }}
{{- @TEXT@ = slice @TEXT@ 0 $end }}
{{- end }}
"""
    return fill((from_left if left else "") + from_right.lstrip("\n" if left else ""), TEXT=text, WHAT=what)
