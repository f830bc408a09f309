"""What is secret in a message, and what only looks like it."""

import pytest

from mem0_slm.said.confidential import secret_spans

SECRETS = """
my pin is ⟦4821⟧
my card pin's ⟦3310⟧
network: HomeNet, password: ⟦orchid⟧
Password: / ⟦Lx9!pqr⟧
i changed my password to ⟦Quokka#9⟧ yesterday
my passcode is ⟦159753⟧
code for the front door is ⟦2468⟧
door code ⟦1357⟧ then hash
bike lock combination: ⟦4 7 1 9⟧
aws_secret_access_key = ⟦wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY⟧
mongodb+srv://root:⟦Pa55w0rd⟧@cluster0.abcd.mongodb.net/test
secret: ⟦dGhpc0lzQVNlY3JldEtleTEyMw==⟧
credit card number ⟦4000 1234 5678 9010⟧
my iban is ⟦DE89 3704 0044 0532 0130 00⟧
my bank account no. is ⟦000123456789⟧ routing ⟦021000021⟧
NI number: ⟦QQ 12 34 56 C⟧
my tax id is ⟦12 345 678 901⟧
my 12 words are ⟦legal winner thank year wave sausage worth useful legal winner thank yellow⟧
my one-time code is ⟦771204⟧
security question: first pet? answer is ⟦Mr Whiskers⟧
der Türcode ist ⟦4711⟧
mi pin es ⟦1212⟧
mon code de porte est ⟦A2580⟧
wachtwoord is ⟦Fiets88⟧
şifrem ⟦kedi1907⟧
kata sandi saya ⟦rahasia99⟧
wifi密码：⟦88888888⟧
비밀번호는 ⟦1234⟧야
мой пин-код ⟦4821⟧
הסיסמה שלי היא ⟦kelev12⟧
passphrase: ⟦purple otter sings at dawn⟧
my pin isn't 1111 any more, it's ⟦9934⟧
the password for the school portal (parents) is ⟦Oak-Tree-5⟧
export DB_PASS=⟦letmein⟧
suitcase code: ⟦007⟧
dad's bank pin = ⟦4402⟧
disney+ pw ⟦mickey1990⟧
passphrase for my ssh key: ⟦seven lazy turtles sleep⟧
code to the garage is ⟦5150⟧
combination to the safe: ⟦18-24-36⟧
redis://default:⟦hunter22⟧@cache.example:6379
card no. ⟦4929-1234-5678-9012⟧
SSN: ⟦078-05-1120⟧
my cpf is ⟦529.982.247-25⟧
backup codes for google: ⟦4821 9932⟧, ⟦1177 2048⟧
mein wlan passwort: ⟦Apfelkuchen⟧
mon mot de passe gmail c'est ⟦Lapin75⟧
şifre: ⟦istanbul34⟧
пароль: ⟦солнышко⟧
grandma's card pin is ⟦2219⟧, she can't remember it
pass: ⟦Sesam-Öffne-Dich⟧
elevator code ⟦5511⟧ after 8 pm
to disarm it type ⟦7412⟧, that's our code
cvv ⟦082⟧
passport nr. ⟦P4366918⟧
one-time password ⟦338812⟧
clave: ⟦torero88⟧
pincode van mijn bankpas is ⟦9042⟧
ロッカーの暗証番号は⟦0815⟧
קוד הכניסה ⟦4471⟧
pw for the printer is ⟦admin⟧
ask for Jo, entry is code ⟦6612⟧
door: ⟦4478⟧#, garage code ⟦1120⟧
visa ending is useless, full number ⟦4012888888881881⟧
my passport is ⟦YB1234567⟧
recovery code ⟦K7QM-2XVD-99PL⟧
ma carte a le code pin ⟦4127⟧
支付密码是⟦246810⟧
""".strip().splitlines()
"""The value stands between ⟦ and ⟧; its clause goes with it."""

PLAIN = """
I forgot my password
order number 4111111111
I weigh 82 kg
passport renewal took 12 weeks
room 4821 on the 4th floor
we live at 4821 Oak Street
I got the visa in 2021
I need a seed phrase tutorial
pass me the salt
tracking number 1Z999AA10123456784
my licence got suspended for 6 months
the alarm goes off at 6:30
he cracked the code in 1943
I use an api key from my boss
mein Passwort ist zu lang
a chave está na mesa
我的手机号是13812345678
نسيت كلمة المرور
the model is WH-1000XM4
meeting code review at 15:00
I ran 10.5 km in 52:30
my doctor says my A1c is 6.8
I've a combination boiler from 2008
flight code AF1234
account since 2011, never a problem
ticket 99213 is still open
the key to happiness is sleep
bearer of bad news, 2 of them
the safe word was my idea
model no. KGN39VLEB
a tan from 2 weeks in Spain
mi cuenta tiene 300 euros
私の部屋番号は305です
my password is one of many problems
dress code: black tie
the account of 1789 is wrong
key worker since 2020
my student loan is 23450
password è troppo lunga
I have 4 passwords and mix them up
gate 7, door 3
passport control took 3 hours
seed round of 2 million
""".strip().splitlines()

SHAPES = {
    "openai": "sk-" + "proj-a8Gh3kLmN0pQrStUvWxYz12345",
    "github": "ghp" + "_aB3dE5fG7hI9jK1lM3nO5pQ7rS9tU1vW3xY5",
    "gitlab": "glpat" + "-xY12zzAAbb34ccDDee56",
    "aws": "AKIA" + "Z7QXN4EXAMPLE123",
    "slack": "xoxb" + "-123456789012-abcdefGHIJKL",
    "google": "AIza" + "SyD-9tSrke72PouQMnMX-a7eZSW0jkFMBWY",
    "stripe": "sk_live" + "_51H8abcdEFGHijklMNOP",
    "jwt": "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N",
    "hex": "9f86d081884c7d659a2feaa0c55ad015",
    "base64": "dGhpc0lzQVNlY3JldEtleTEyMw==",
    "address": "postgres://app:t0psecret@db.internal:5432/shop",
    "card": "4111 1111 1111 1111",
    "iban": "DE89 3704 0044 0532 0130 00",
}
"""In two pieces where a scanner of repositories would take them for real."""


@pytest.mark.parametrize("message", SECRETS)
def test_a_value_beside_its_name_is_secret(message):
    text, value = message.replace("⟦", "").replace("⟧", ""), message.split("⟦")[1].split("⟧")[0]
    at = text.index(value)
    assert any(start <= at and at + len(value) <= end for start, end in secret_spans(text))


@pytest.mark.parametrize("message", PLAIN)
def test_names_without_values_and_numbers_of_other_things_are_not(message):
    assert secret_spans(message) == []


@pytest.mark.parametrize("value", SHAPES.values(), ids=SHAPES)
def test_some_shapes_need_no_name(value):
    text = f"I live in Leeds. here you go {value} thanks. I like tea."
    assert secret_spans(text) == [(17, text.index(". I like"))]


def test_a_private_key_goes_with_all_its_lines():
    text = "-----BEGIN RSA PRIVATE KEY-----\nMIIEpAIBAAKC\nabcd\n-----END RSA PRIVATE KEY-----\nI like tea."
    assert secret_spans(text) == [(0, text.index("\nI like"))]


def test_a_card_number_must_have_its_check_digit_unless_it_is_called_a_card():
    assert secret_spans("the parcel is 4111 1111 1111 1112") == []
    assert secret_spans("my card is 4111 1111 1111 1112") != []


def test_what_stands_beside_a_card_number_goes_with_it():
    text = "visa 4111 1111 1111 1111, exp 04/27, cvv 123"
    assert "".join(text[start:end] for start, end in secret_spans(text)).replace(",", "").replace(" ", "") == (
        "visa4111111111111111exp04/27cvv123"
    )


def test_only_the_clause_with_the_secret_is_taken():
    text = "I moved to Leeds in May, my pin is 4821 and I like tea"
    assert [text[start:end] for start, end in secret_spans(text)] == ["my pin is 4821"]


@pytest.mark.parametrize("text", ["", " ", "\n", "pin", "my password is", "password:", "4"])
def test_a_name_alone_or_nothing(text):
    assert secret_spans(text) == []
