"""Values for the slots of hand-written conversations.

They come from Faker's lists for many countries. Each value belongs, by a hash of its text, either to training or to
evaluation, so the two can never share one.
"""

import hashlib
import random
import re

from mem0_slm.io import DataError

SLOT = re.compile(r"\{([a-z]+)([2-9]?)\}")


NAME_LOCALES = (
    "en_US en_GB en_IN en_NG de_DE fr_FR es_ES es_MX it_IT pl_PL pt_BR pt_PT tr_TR nl_NL sv_SE no_NO da_DK fi_FI "
    "cs_CZ sk_SK hu_HU ro_RO hr_HR sl_SI lt_LT lv_LV et_EE id_ID fr_CA ga_IE".split()
)


# not it_IT: Faker keeps its cities in a set, whose order differs from process to process
CITY_LOCALES = (
    "en_US en_GB en_IN de_DE fr_FR es_ES pl_PL pt_BR nl_NL sv_SE no_NO fi_FI cs_CZ hu_HU ro_RO hr_HR tr_TR".split()
)


MONTHS = "January February March April May June July August September October November December".split()


WEEKDAYS = "Monday Tuesday Wednesday Thursday Friday Saturday Sunday".split()


EVAL_SHARE = 8
"""One value in this many is reserved for evaluation."""


def reserved_for_eval(value: str) -> bool:
    return hashlib.sha256(value.casefold().encode()).digest()[0] % EVAL_SHARE == 0


class Values:
    """Random slot values for one side: `part` is "train" or "eval". The same seed gives the same values."""

    def __init__(self, part: str, seed: int):
        from faker import Faker

        self.eval = part == "eval"
        self.random = random.Random(f"{part}-{seed}")
        self.names = {locale: Faker(locale) for locale in NAME_LOCALES}
        self.cities = [self.names.get(locale) or Faker(locale) for locale in CITY_LOCALES]
        for position, faker in enumerate([*self.names.values(), *self.cities]):
            faker.seed_instance(f"{part}-{seed}-{position}")
        self.english = [self.names["en_US"], self.names["en_GB"], self.names["en_IN"]]
        self.used: set[str] = set()

    def value(self, slot: str, taken=()) -> str:
        """A value for a slot name such as "city", different from those in `taken`, of this side's share.

        In evaluation no value is given twice. Raises DataError for an unknown slot.
        """
        make = getattr(self, f"_{slot}", None)
        if make is None:
            raise DataError(f"unknown slot {{{slot}}}; known: {', '.join(self.slots())}")
        for _ in range(2000):
            value = make()
            if value in taken or not value.isprintable() or (self.eval and value in self.used):
                continue
            # months, weekdays and small numbers are too few to divide; evaluation keys do not rest on them alone
            if slot in ("month", "weekday", "age", "n", "year") or reserved_for_eval(value) == self.eval:
                self.used.add(value)
                return value
        raise DataError(f"no value left for slot {{{slot}}}")

    @classmethod
    def slots(cls) -> list[str]:
        """The names of all slots."""
        return sorted(name[1:] for name in dir(cls) if re.match("_[a-z]", name) and name != "_person")

    def fill(self, texts: list[str]) -> tuple[list[str], dict[str, str]]:
        """Fill the slots in `texts` together; returns the texts and the value of each slot."""
        chosen: dict[str, str] = {}
        for text in texts:
            for match in SLOT.finditer(text):
                if match.group(0) not in chosen:
                    chosen[match.group(0)] = self.value(match.group(1), chosen.values())
        return [SLOT.sub(lambda m: chosen[m.group(0)], text) for text in texts], chosen

    # --- the slots ---

    def _person(self):
        return self.names[self.random.choice(NAME_LOCALES)]

    def _first(self):
        return self._person().first_name()

    def _last(self):
        return self._person().last_name()

    def _full(self):
        person = self._person()
        return f"{person.first_name()} {person.last_name()}"

    def _city(self):
        return self.random.choice(self.cities).city()

    def _country(self):
        return self.english[0].country().split(",")[0].split(" (")[0]

    def _company(self):
        return self.random.choice(self.english + self.cities[:6]).company()

    def _street(self):
        return self.random.choice(self.english[:2]).street_address().replace("\n", ", ")

    def _job(self):
        job = self.random.choice(self.english).job().lower().split(" (")[0]
        first, comma, rest = job.partition(", ")
        return f"{rest} {first}" if comma and "," not in rest and "/" not in rest else first

    def _pet(self):
        return self.english[0].word(part_of_speech="noun").capitalize()

    def _title(self):
        word = self.english[0].word
        adjective, noun, other = (
            word(part_of_speech="adjective"),
            word(part_of_speech="noun"),
            word(part_of_speech="noun"),
        )
        forms = (
            f"The {adjective} {noun}",
            f"{noun} of {other}",
            f"{adjective} {noun}",
            f"A {noun} without {other}",
            f"{noun} and {other}",
        )
        return " ".join(
            w if w in ("of", "and", "without") else w.capitalize() for w in self.random.choice(forms).split()
        )

    def _age(self):
        return str(self.random.randint(3, 90))

    def _n(self):
        return str(self.random.randint(61, 99) if self.eval else self.random.randint(2, 60))

    def _big(self):
        number = self.random.randint(201, 99_000)
        return f"{number:,}" if self.random.random() < 0.7 else str(number)

    def _money(self):
        amount = self.random.choice(
            (self.random.randint(3, 99), self.random.randint(100, 2_000), self.random.randint(20, 900) * 100)
        )
        form = self.random.choice(
            ("${:,}", "£{:,}", "€{:,}", "{:,} euros", "{:,} dollars", "{:,} rupees", "{:,} pounds", "{:,} kronor")
        )
        return form.format(amount)

    def _year(self):
        return str(self.random.randint(1931, 1974) if self.eval else self.random.randint(1975, 2025))

    def _month(self):
        return self.random.choice(MONTHS)

    def _weekday(self):
        return self.random.choice(WEEKDAYS)

    def _date(self):
        day, month = self.random.randint(1, 28), self.random.choice(MONTHS)
        ordinal = f"{day}{'th' if 10 < day < 14 else {1: 'st', 2: 'nd', 3: 'rd'}.get(day % 10, 'th')}"
        return self.random.choice(
            (f"{day} {month}", f"{month} {day}", f"the {ordinal} of {month}", f"{month} {ordinal}")
        )

    def _time(self):
        hour, minute = self.random.randint(1, 12), self.random.choice(range(0, 60, 5))
        words = "one two three four five six seven eight nine ten eleven twelve".split()
        return self.random.choice(
            (
                f"{hour}:{minute:02d} am",
                f"{hour}:{minute:02d} pm",
                f"{hour + 11}:{minute:02d}",
                f"half past {words[hour - 1]}",
                f"quarter to {words[hour - 1]}",
                f"{hour}.{minute:02d}",
            )
        )

    def _phone(self):
        return self.random.choice(self.english[:2]).phone_number().split("x")[0]

    def _email(self):
        return self.random.choice(self.english).ascii_email()

    def _code(self):
        letters = "".join(self.random.choices("ABCDEFGHJKLMNPRSTUVWXYZ", k=self.random.randint(1, 3)))
        return f"{letters}{self.random.choice('-- ')}{self.random.randint(101, 99_999)}"
