"""A statement follows from the clauses that say it, part by part, and from nothing that is asked, supposed or taken back."""

import time

import pytest

from mem0_slm.following.backing import Backing
from mem0_slm.said.clauses import clauses


def backed(statement: str, *said: str) -> bool:
    turns = [("user", text) for text in said]
    return bool(Backing(clauses(turns), turns).of(statement))


FOLLOWS = [
    ("from inside a clause", "User is on the late shift", "my girlfriend is on earlies i'm on the late shift"),
    ("behind an and", "User's husband is still teaching", "I retired in 2019 and my husband is still teaching"),
    ("before a but", "User likes the flat", "I like the flat but my son finds it small"),
    ("two sentences", "User is 61 and has never seen snow", "I'm 61. I have never seen snow."),
    ("other order", "User has never seen snow and is 61", "I'm 61. I have never seen snow."),
    ("joined by but", "User doesn't want a car, but they want a bike", "I don't want a car, I want a bike"),
    ("relative clause", "User's aunt lives in Porto", "A parcel came from my aunt, who lives in Porto."),
    ("he with one man", "User's uncle is a baker", "My uncle came by. He's a baker."),
    ("she with a name", "User's niece Ida is six", "my niece Ida lost a tooth, she's six"),
    ("they with one group", "User's twins are turning four", "I'm baking for my twins. They're turning four."),
    ("own without a my", "User's husband is on nights", "hubby is on nights"),
    ("own behind a the", "User's lease is up in February", "the lease is up in Feb"),
    ("aside left out", "User's brother says no", "my brother (a plumber) says no"),
    ("apposition left out", "User's neighbour says no", "my neighbour, a lawyer, says no"),
    ("it, of the thing before", "User's flat has two bedrooms", "My flat is tiny. It has two bedrooms."),
    ("have got", "User has three cats", "i've got three cats"),
    ("no subject", "User has been in Malta since 2015", "Been in Malta since 2015."),
    ("noun and pronoun", "User's son plays the harp", "my son he plays the harp"),
    ("age", "User is 19 years old", "im 19"),
    ("we have", "User has two kids", "we have two kids"),
    ("him by his noun", "User wants to give their maid a watch", "My maid is leaving and I want to give her a watch."),
    ("own, no article", "User's alarm company comes on Monday", "Alarm company comes Monday."),
    ("when it is so", "User swims", "these days I swim"),
    ("what turned out", "User is allergic to latex", "just found out im allergic to latex"),
    ("who for she", "User is raising Noor, who is 9", "I'm raising Noor, she's 9"),
    ("about", "User started climbing about 3 weeks ago", "i started climbing like 3 weeks ago"),
    ("reason left out", "User moved to Ghent", "I moved to Ghent because I got a job there"),
]
DOES_NOT = [
    ("taken back by well", "User drives the tram", "I drive the tram, well I did until May."),
    ("taken back by sorry", "User can't eat eggs", "I can't eat eggs... sorry i mean nuts"),
    ("taken back by no", "User's party is on the 4th", "My party is on the 4th, no, excuse me, the 5th."),
    ("restarted", "User works nights", "I work nights. let me restart. I work mornings."),
    ("lied", "User has two dogs", "I have two dogs. I lied, it's one."),
    ("denied at once", "User is fine", "well I am fine with it. I am fine. I am not fine."),
    ("two men", "User's uncle is a baker", "My uncle met my brother. He's a baker."),
    ("a stranger too", "User's uncle is a baker", "My uncle saw Tomas. He's a baker."),
    ("a man is no she", "User's uncle is six", "my uncle wrote, she's six"),
    ("her lease", "User's lease is up in February", "she moved out, her lease was long and the lease is up in feb"),
    ("somebody's husband", "User's husband is on nights", "her husband is on nights"),
    ("reported", "User hates it", "my sister says I drink and I hate wine"),
    ("reported further", "User drinks wine", "my sister says I smoke and I drink wine"),
    ("if", "User keeps the van", "if I stay I'm happy and I keep the van"),
    ("purpose", "User's friend can rest", "I sit with her so my friend can rest"),
    ("hedged", "User's grant is 700", "my grant is 700, i think"),
    ("not behind but", "User lives in Oslo", "I live in Oslo but not for long, only until May"),
    ("only because", "User only sells the mare", "I only sell the mare because I'm moving"),
    ("asked", "User can swim there", "can I swim there?"),
    ("irony", "User's healthy lunch is cake", 'my "healthy" lunch is cake'),
    ("points to nothing", "User's lodger left one in the hall", "my lodger left one in the hall"),
    ("parts swapped", "User's sister is 30 and is a vet", "My sister is 30. I am a vet."),
    ("verbs swapped", "User's brother is a vet", "my brother's friend is a vet"),
    ("several", "User has made 60 hats", "we have made 60 hats"),
    ("used to", "User smokes", "I used to smoke"),
    ("planned", "User goes to Rome", "I was going to go to Rome"),
    ("aside that binds", "User's wife works nights", "my (ex) wife works nights"),
    ("no apposition", "User is vegan since May", "I am vegan, nearly always, since May"),
    ("it, of a person's thing", "User's boss is red", "My boss has a car. It is red."),
    ("half a predicate", "User's aunt is and refuses tablets", "my aunt refuses tablets"),
    ("half a subject", "User and has 3 dogs", "I have 3 dogs"),
    ("somebody's mother", "User's mother is having twins", "the mum is having twins at home, I'm the doula"),
    ("nobody named", "User works nights", "what should my wife do? Works nights at Tesco"),
    ("a vicar", "User's son is 70", "My son met the vicar. He is 70."),
    ("someone else's words", "User has 3 kids", "my boss: I have 3 kids"),
    ("someone else's words", "User lives in Bonn", "she's like, I live in Bonn"),
    ("no before and", "User does not drink and smokes", "I don't drink and smoke"),
    ("her friend's husband", "User's husband died", "my friend's here, husband died"),
    ("active as passive", "User's school is banned phones", "school banned phones"),
    ("several", "User is 6", "we are 6"),
    ("their own", "User's children lost their keys and User lost their keys", "my kids lost their keys"),
]


@pytest.mark.parametrize(("kind", "statement", "said"), FOLLOWS)
def test_what_was_said_part_by_part_follows(kind, statement, said):
    assert backed(statement, said), kind


@pytest.mark.parametrize(("kind", "statement", "said"), DOES_NOT)
def test_what_was_not_said_so_does_not(kind, statement, said):
    assert not backed(statement, said), kind


def test_the_places_are_those_of_the_clauses_that_say_it():
    turns = [("user", "I'm 61. The bus is late. I have never seen snow.")]
    assert Backing(clauses(turns), turns).of("User is 61 and has never seen snow") == (0, 2)


@pytest.mark.parametrize(
    "text", ["", "?!", "he said " * 3000, "my sister and " * 2000, "i am, " * 3000, "(" * 5000, "who " * 4000]
)
def test_any_text_is_read_in_time(text):
    began = time.process_time()
    assert not backed("User's sister is a nurse and has two kids, who like tea, and but and a dog", text)
    assert time.process_time() - began < 1
