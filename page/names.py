"""Names of users, and the ids that Mem0 keeps their memories under."""

import unicodedata


class ChatError(ValueError):
    """What the user asked for cannot be done. The message is for the user."""


def user_id(name: str) -> str:
    """Mem0's user id for a name: 1-40 letters, digits, spaces and - _ . with a letter or digit among them.

    Mem0 takes no white space in an id; a space becomes %20, which no name can hold. Raises ChatError for other names.
    """
    name = " ".join(unicodedata.normalize("NFC", name or "").split())
    if not name:
        raise ChatError("Please enter a name.")
    if len(name) > 40:
        raise ChatError(f"This name has {len(name)} characters; 40 are allowed.")
    kinds = {c: unicodedata.category(c)[0] for c in name}  # L letters, M their marks, N numbers
    wrong = [c for c in kinds if kinds[c] not in "LMN" and c not in " -_."]
    if wrong or not any(kind in "LN" for kind in kinds.values()):
        raise ChatError(
            "A name has letters, digits, spaces and - _ . only"
            + (f"; {wrong[0]!r} is none of these." if wrong else ".")
        )
    return name.replace(" ", "%20")


def name_of(user: str) -> str:
    """The name behind a user id."""
    return user.replace("%20", " ")
