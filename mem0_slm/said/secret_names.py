"""Names that secrets go by in many languages, and what joins a name to its value: closed lists for `confidential`."""

import re

_PLACE = (
    r"(?:(?:front|back|main|side|garden|building|garage|cellar|office|shed) )?(?:door|gate|alarm|panic|duress|"
    r"lock ?box|lock|safe|"
    r"garage|"
    r"key ?safe|key ?box|key ?pad|padlock|locker|entry|entrance|building|gym|access|security|elevator|lift|house|"
    r"bike lock|"
    r"vault|suitcase|luggage|burglar alarm|parking|barrier|intercom|bike shed|bin store|cabin|airbnb)"
)


def _names(listed: str) -> re.Pattern[str]:
    """Any of the names, as whole words where their script has words; "_" counts as a boundary, as in DB_PASSWORD."""
    names = [name.strip().replace("@place", _PLACE) for name in re.split(r",\s", listed) if name.strip()]
    latin = "|".join(name for name in names if name[0] < "\u0370")
    other = "|".join(name for name in names if name[0] >= "\u0370")
    either = rf"(?<![^\W_])(?=[^\W_])(?:{latin})(?![^\W_])" + (rf"|(?=[\u0370-\uffff])(?:{other})" if other else "")
    return re.compile(either, re.IGNORECASE)


PASSWORD = _names(
    r"""
    pass ?words?, passwd, pass ?phrases?, pwd?, pswd?, pws, pass(?=\s?[:=]), clave(?=\s?[:=]), passwrd, pasword,
    wi-?fi key, network key, wpa2?(?: key)?, log-?in details, credentials, safe ?word, pass?wort, kennwort,
    wlan-?(?:schlüssel|passwort|code), zugangsdaten, mot de passe, mdp, clé wi-?fi, contraseña,
    clave (?:del?|wi-?fi)(?: \w+)?, contrasenya, senha, palavra-?passe, chave wi-?fi, parola d'ordine,
    wachtwoord, hasło, hasłem, şifre(?:m|si|miz)?, parola(?:m|sı)?, lösenord(?:et)?, passord, adgangskode,
    kata ?sandi, mật khẩu, mat khau, heslo, salasana, jelszó, parolă, 密[码碼], 口令, パスワード, パスフレーズ,
    暗証番号, 비밀번호, 비번, 암호, парол\w{0,3}, كلمة (?:ال)?(?:مرور|سر), الرقم السري, باسورد, סיסמ[הא],
    הסיסמה, पासवर्ड, รหัสผ่าน, κωδικ[όο]ς(?: πρόσβασης)?, συνθηματικό
    """
)
"""Names whose value may be a plain word: "the password is sunflower"."""
KEY = _names(
    r"""
   
    (?:api|secret|access|private|encryption|recovery|master|auth|ssh|gpg|license|licence|product|activation|
        serial)[ _-]?keys?,
    client[ _-]secret, bit ?locker key, (?:api |access |auth |bearer |refresh |bot |session )?tokens?, bearer,
    secrets?, log-?ins?, key, pass, clave, parola, sandi, seed, safe ?word, chave, ключ, 密钥, 令牌, トークン,
    토큰, 키, токен, clé, schlüssel
    """
)
"""Names that also mean other things: only what no one says as a word is their value."""
CODE = _names(
    r"""
    pin(?:s|[ -]?(?:code|number|nummer))?, puk(?:[ -]?code)?, pass ?codes?, @place ?(?:pass)?codes?,
    codes? (?:for|to)(?: [^\W\d_]+){1,4}(?= (?:is|was) ),
    codes? (?:for|to|of|on|at) (?:\w+ ){0,3}@place(?: (?:door|gate|alarm))?,
    (?:2fa|backup|recovery)[ :]{1,2}codes?,
    (?:back-?up|recovery|2fa|two[- ]factor|mfa|otp|one[- ]time|verification|sms|authenticator) (?:pass)?codes?,
    (?:log-?in|unlock|voicemail|sim|emergency|master|secret|bypass|disarm|banking|phone|screen) (?:pass)?codes?,
    otp, cvv2?, cvc2?, cv2, csc, security (?:code|number), (?:lock |padlock |safe |bike )?combination, combo,
    sort code, (?:tür|haus|alarm|zugangs|sicherheits|schließfach|tor)-?code, geheimzahl, prüfnummer,
    code (?:de (?:la |l')?)?(?:porte|alarme|d'entrée|d'accès|secret|du portail|de l'immeuble|pin), digicode,
    código (?:d[eao] (?:la )?)?(?:puerta|alarma|acceso|seguridad|entrada|verificación),
    código (?:d[eao] )?(?:porta|acesso|segurança|alarme|portão),
    codice (?:del |della |di )?(?:porta|allarme|accesso|sicurezza|cancello|segreto),
    (?:deur|alarm|toegangs|pin)code, kod (?:do|pin)(?: [^\W\d_]+){0,2}, (?:kapı|alarm) kodu,
    (?:port|larm|dörr)kod(?:en)?, kode (?:pintu|alarm|pin|otp), mã pin, mã (?:cửa|số|otp), 门禁(?:密码|码)?,
    验证码, 暗証, ドアコード, 현관 ?(?:비밀번호|비번), 인증번호, (?:пин|pin)(?:-?код\w{0,2})?,
    код (?:от|двери|домофона|для|подъезда)(?: [^\W\d_]+){0,2}, رمز (?:الباب|الدخول|التحقق),
    קוד (?:לדלת|כניסה|הכניסה|של), पिन, รหัส(?:ประตู)?, пінкод
    """
)
_NO_SECRET_CODES = "|".join(
    """
    error post postal zip area dress country source status course product promo discount voucher coupon item
    booking flight airport colou?r hex bar qr reference ref response exit https? tax class module order stock
    branch dialing dialling swift bic icd cheat morse train friend invite invitation referral the my our your a
    this new old and of to i we you they fault trouble building department cost project menu paint diagnosis job
    network discord currency language region state city legacy his her their python java clean machine test no
    any some more less bad good
    """.split()
)
ANY_CODE = re.compile(
    rf"(?<![^\W_])(?=[^\W\d_])(?!(?:{_NO_SECRET_CODES})[ -])[^\W\d_]{{1,20}}[ -](?:pass)?codes?(?![^\W_])",
    re.IGNORECASE,
)
"""A code of anything: "the wifi code is", "panic code: ", but not a postal code or the code of an error."""
PLAIN_CODE = re.compile(
    r"(?:(?<=^)|(?<=[\n.,;:!?(] )|(?<=[\n(])|(?<=\bthe )|(?<=\bmy )|(?<=\bour )|(?<=\bnew )|(?<=\bold )|(?<=\band ))"
    r"code(?=(?: (?:is|was)|['’]s|:|=))(?! (?:is|was) (?:\d{3}|\d+[a-z]+)\b)",
    re.IGNORECASE,
)
"""A code of nothing in particular: "the code is 4821", not "the error code is 4821"."""
ACCOUNT = _names(
    r"""
    account (?:number|no|num|nr)\.?, acc(?:oun)?t\.?(?: (?:number|no|nr)\.?)?, a/c(?: (?:number|no)\.?)?,
    routing(?: (?:number|no)\.?)?, iban, ssn, ss#, social security(?: (?:number|no\.?|num|#))?,
    national insurance(?: (?:number|no\.?))?, nino, ni (?:number|no\.?), social(?! (?:security|worker|media)),
    nhs (?:number|no\.?), passport(?: (?:number|no|num|nr)\.?)?,
    tax (?:id|number|file number|reference|payer id)(?: number)?, tin, utr, itin,
    (?:driver'?s?|driving) licen[cs]e(?: (?:number|no)\.?)?, aadhaar(?: (?:number|no)\.?)?, cpf,
    pan(?: (?:card|number|no\.?)){1,2}, sin (?:number|no\.?), id (?:card )?(?:number|no\.?),
    medicare(?: (?:number|no\.?)), (?:credit|debit|bank)? ?card (?:number|no\.?), kontonummer,
    steuer-?(?:id|nummer|identifikationsnummer), reisepass(?:nummer)?, personalausweis(?:nummer)?,
    sozialversicherungsnummer, numéro (?:de )?(?:compte|sécurité sociale|passeport|fiscal),
    numéro de sécu(?:rité sociale)?, dni, nie number, nif,
    número de (?:cuenta|seguridad social|pasaporte|conta), pasaporte, passaporte, codice fiscale,
    numero (?:di )?(?:conto|passaporto), bsn, rekeningnummer, paspoort(?:nummer)?, pesel,
    numer (?:konta|paszportu|dowodu), tc kimlik(?: no)?, kimlik (?:no|numaram), personnummer(?:et)?, nik(?=:),
    nomor (?:rekening|ktp|paspor), số (?:tài khoản|cmnd|cccd|hộ chiếu), 身份证号?码?, 护照号?码?,
    (?:银行)?[账帐]号, マイナンバー, 口座番号, パスポート番号, 주민등록번호, 계좌번호, 여권번호, снилс, инн,
    паспорт\w{0,2}, номер (?:счета|паспорта|карты), رقم (?:الحساب|الجواز|جواز السفر|الهوية|البطاقة), תעודת זהות,
    מספר (?:חשבון|דרכון), आधार, เลขบัตรประชาชน, เลขบัญชี
    """
)
CARD = _names(
    r"""
    (?:credit|debit|bank)? ?cards?, visa, master ?card, amex, american express, kreditkarte\w*,
    carte(?: bancaire| bleue)?, tarjeta, cartão, carta di credito, creditcard, kart[aąę]?\w*, 信用卡, 银行卡,
    クレジットカード, 카드, карт\w+, بطاقة, כרטיס
    """
)
PHRASE = _names(
    r"""
    (?:seed|recovery|mnemonic|wallet|back-?up|secret)(?: (?:recovery|backup))? ?(?:phrase|words), seed,
    mnemonic, (?:12|24|twelve|twenty[- ]four) words, wiederherstellungs(?:phrase|wörter),
    phrase de récupération, frase (?:semilla|de recuperación|de recuperação|di recupero), 助记词, ニーモニック,
    시드 ?문구, сид-?фраза
    """
)
ANSWER = re.compile(
    r"\bsecurity (?:questions?|answers?)\b[^\n]{0,80}?(?:\banswer(?: to (?:it|that))?(?: is|:)|\bis\b|:|=|->|"
    r"\?)\s*(?!what|which|asking|not|wrong|"
    r"required|stupid|silly|about|too|so|a |the |that\b)[\"'“]?\w[^\n.;]{1,40}",
    re.IGNORECASE,
)
JOINS = re.compile(
    r"(?P<mark>[:=：]+>?|->|→)|(?P<is>(?<=\w)['’]s(?!\w)|(?<!\w)(?:is|was|are|ist|lautet|es|est|c'est|è|é|sono|jest|"
    r"är|er|adalah|là|هي|"
    r"هو|היא|הוא|है|είναι)(?!\w))|(?P<free>(?<!\w)(?:it's|its|it is|to|now|as|auf|en|a|à|na|till|olarak)(?!\w))|"
    r"(?P<particle>[是为為はが]|คือ|(?<=[가-힣])(?:[은는이가])(?= ))"
)
"""What joins a name to its value."""
FILL = re.compile(
    r"(?:[ \t]|\n(?!\n)|[\"'“‘`«「*(_]|(?:still|now|just|currently|actually|again|always|simply|noch|jetzt|ahora|"
    r"sempre|toujours|"
    r"about to be|now set to|set to|still set to)(?= ))*"
)
"""What may stand between such a word and the value."""
GAP = re.compile(
    r"[\"'”’\])]*\s*(?:\((?P<in>[^()\n]{1,40})\))?(?:['’]?s)?[ _]*(?:wi-?fi|wlan|saya|aku|kami|של[ינ]\w?|benim|"
    r"của (?:tôi|mình)|"
    r"moje|mój|meu|mia|الواي فاي|[\w.]{1,20} account|gmail|google|apple|icloud|outlook|hotmail|facebook|instagram|"
    r"netflix|spotify|amazon|paypal|"
    r"steam|bank|router|laptop|phone|pc|e-?mail|work|school)?[ _]*(?:$|(?:for|to|of|at|on|in|from|used|i use|we use|"
    r"they use|für|fürs|"
    r"vom|von|zum|am|"
    r"im|meiner?|meines|unser\w*|mijn|moje\w*|del|de|du|des|d'|para|pour|per|do|da|di|dla|för|till|til|voor|van|"
    r"untuk|cho|من|ل|от|для|на|к|за)(?![a-z]))",
    re.IGNORECASE,
)
"""How what stands between a name and that word begins: "password for my bank is", but not "password manager is"."""
BESIDE = re.compile(
    r"\s(?:wi-?fi |saya |שלי )?(?:(?:for|on|of|to|at|от|для|do|del|für|של|untuk|cho)(?: [^\W\d_]+){1,3} |(?<=saya )|"
    r"(?<=wifi ))",
    re.IGNORECASE,
)
"""What may stand between a name and a value that nothing joins: "security code on the back 412"."""
NOT_A_VALUE = frozenset(
    """a about again all almost already also always an and any asked at back bad been being best better both
    broken but by case correct dead different down due easy empty enough entire even expired fine for forgotten
    from good gone great hard here his her how important in incorrect insecure invalid it its just later like
    local long lost missing more my near never new no none not nothing now obvious off ok okay old on one only
    or our out over please private probably really required reset right safe same secret secure short shorter
    silly similar simple since so some something still stolen strong stuck stupid such sure terrible that the
    their them then there this to today too tricky true unique unknown unsafe up useless useful valid very via
    weak weird what when where which who why with without working wrong yours manager field policy prompt box
    hint page screen reset generator protected needed 1password office365 windows10 windows11 web2 web3 mp3 mp4
    falsch richtig weg neu alt vergessen abgelaufen zu nicht incorrecto incorrecta olvidada errada errado
    esquecida oubliée faux perdue perdu sbagliata scaduta""".split()
)
WORD_DIGITS = frozenset("zero oh o one two three four five six seven eight nine double triple".split())
