"""Secrets that are known by their shape, without a name: keys of services, card numbers, IBANs."""

import re

from mem0_slm.said.secret_names import CARD

_SHAPES = re.compile(
    r"(?<![A-Za-z0-9])(?:sk-[\w-]{16,200}|[srp]k_(?:live|test)_\w{10,200}|gh[pousr]_\w{20,200}|github_pat_\w{20,200}|"
    r"glpat-[\w-]{16,200}|A[KS]IA[0-9A-Z]{16}|xox[abeoprs]-[\w-]{10,250}|AIza[\w-]{30,60}|ya29\.[\w.-]{20,250}|"
    r"eyJ[\w-]{8,2000}\.[\w-]{8,4000}(?:\.[\w-]{0,2000})?|hf_[A-Za-z0-9]{20,60}|npm_[A-Za-z0-9]{20,60}|"
    r"pypi-[\w-]{20,250}|SG\.[\w-]{16,40}\.[\w-]{16,60}|do[opr]_v1_[0-9a-f]{32,80}|"
    r"shp(?:at|ca|pa|ss)_[0-9a-fA-F]{24,40}|\d{8,10}:[A-Za-z0-9_-]{35}(?![\w-])|"
    r"[a-z][a-z0-9+.-]{1,20}://[^\s:@/]{0,64}:[^\s@/]{2,128}@)|"
    r"(?<![\w.+-])[\w.+-]{1,64}@[\w-]{1,40}\.[\w.]{2,30} ?[/|:] ?(?=\S*\d)(?=\S*[A-Za-z])[^\s/]{5,40}|"
    r"(?<=\s)-u ?\w{1,40}:\S{3,80}|\b(?:mysql|sshpass|mysqldump)\b[^\n]{0,60} -p ?\S{3,60}"
)
"""Keys and tokens of known services, passwords in addresses and on command lines: no name needed."""
_PEM = re.compile(r"-----BEGIN [A-Z ]{0,40}PRIVATE KEY(?: BLOCK)?-----")
_DENSE = re.compile(r"(?<![\w+/=.@-])[A-Za-z0-9+/_=-]{20,400}(?!\.?[\w+/@-])")
_CARD_DIGITS = re.compile(r"(?<![\d-])(?<!\d[ .])[2-6]\d{3}(?:[ -]?\d){8,15}(?![\d-])")
_IBAN = re.compile(r"(?<![A-Z0-9])[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?(?![A-Za-z0-9])")
_CARD_REST = re.compile(
    r"(?:exp\w{0,8}|valid (?:thru|until|till)|good (?:thru|until)|gültig bis|válida hasta)\W{0,6}(?:date\W{0,3})?"
    r"(?:is )?\d{1,2}\s?[/-]\s?\d{2,4}|(?<!\d)(?:0[1-9]|1[0-2])\s?/\s?(?:20)?[2-4]\d(?!\d)(?:[\s,;/|"
    r"]{1,4}\d{3,4}(?!\d))?|"
    r"(?:three|3) digits[^\n.]{0,30}?\d{3,4}(?!\d)",
    re.IGNORECASE,
)
_THAT_IS = re.compile(
    r"(?<!\S)[#*]?[A-Z]?(?:\d{3,8}|\d{1,2}(?:-\d{1,2}){2,5})[#*]?,? (?:that|this|it)(?:'s| is) (?:the|my|"
    r"our) (?:\w+ )?(?:code|pin|password|"
    r"combination)\b|"
    r"\b(?:door|gate|alarm|garage|safe|keypad|lockbox)\s?[:=]\s?[#*]?\d{3,8}[#*]?(?![\w.,/:-])|"
    r"\b(?:admin|root|router|wi-?fi|login|guest|user)\b[^\n/]{0,24} ?/ ?(?=\S*\d)(?=\S*[A-Za-z])[^\s/]{5,40}(?!\S)|"
    r"\b(?:is|with|use|using|enter|type|dial|press|punch in|key in)(?: in)? (?:the )?(?:code|pin) [#*]?[A-Z]?\d{3,8}\b",
    re.IGNORECASE,
)


def _is_card(digits: str) -> bool:
    from stdnum import luhn

    return 13 <= len(digits) <= 19 and luhn.is_valid(digits) and len(set(digits)) > 1


def _is_iban(value: str) -> bool:
    from stdnum import iban

    return iban.is_valid(value, check_country=False)


def _mixed(token: str) -> bool:
    """True for a token as keys have them: letters and digits in many changes, not words or a file's name in a chain."""
    if not any(c.isdigit() for c in token) or not any(c.isalpha() for c in token):
        return False
    if re.fullmatch(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", token.lower()):
        return False  # an identifier, of nothing that it opens
    runs = re.findall(r"[a-z]+|[A-Z]+|\d+|[^a-zA-Z\d]+", token)
    longest_word = max((len(run) for run in runs if run.isalpha()), default=0)
    return len(runs) * 4 >= len(token) and longest_word <= 7 and "//" not in token


def shaped(text: str) -> list[tuple[int, int]]:
    """Values that need no name: keys of known shapes, card numbers with what stands beside them, IBANs."""
    found = [shape.span() for listed in (_SHAPES, _THAT_IS) for shape in listed.finditer(text)]
    for pem in _PEM.finditer(text):
        end = text.find("-----END", pem.end())
        close = text.find("\n", end) if end >= 0 else -1
        found.append((pem.start(), close if close >= 0 else len(text)))
    found += [(dense.start(), dense.end()) for dense in _DENSE.finditer(text) if _mixed(dense.group())]
    found += [(iban.start(), iban.end()) for iban in _IBAN.finditer(text) if _is_iban(iban.group())]
    for number in _CARD_DIGITS.finditer(text):
        start, end = number.span()
        if _is_card(re.sub(r"\D", "", number.group())) or CARD.search(text, max(0, start - 60), start):
            found.append((start, end))
            found += [(rest.start(), rest.end()) for rest in _CARD_REST.finditer(text, max(0, start - 80), end + 120)]
    return found
