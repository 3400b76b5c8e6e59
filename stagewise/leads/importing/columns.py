"""What a column of a file probably holds: by its name, in the languages that people use, else by what is in it."""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

IGNORED: Final = ""
NAME, FIRST, LAST, PHONE, EMAIL = "name", "first_name", "last_name", "phone", "email"
MESSAGE, MORE, LEAD_TYPE = "message", "more", "lead_type_name"
#: What a column can become; :data:`MORE` may be chosen for several, the others for one each.
TARGETS: Final = (NAME, FIRST, LAST, PHONE, EMAIL, MESSAGE, MORE, LEAD_TYPE)

#: What people call them, as :func:`_plain` makes it, from the most to the least certain.
_WORDS: Final[dict[str, tuple[str, ...]]] = {
    EMAIL: (
        *("email", "emailaddress", "mail", "mailaddress", "emailadresse", "mailadresse", "correo", "correoelectronico"),
        *("courriel", "adressemail", "adresseemail", "emailadres", "posta", "epost", "eposta", "adresemail"),
        *(
            "sahkoposti",
            "почта",
            "электроннаяпочта",
            "邮箱",
            "电子邮件",
            "メール",
            "メールアドレス",
            "이메일",
            "البريد",
        ),
        *("البريدالالكتروني", "البريدالإلكتروني", "דואל"),
    ),
    PHONE: (
        *("phone", "phonenumber", "telephone", "telephonenumber", "tel", "telno", "mobile", "mobilephone", "cell"),
        *("mobilenumber", "cellphone", "telefon", "telefonnummer", "handy", "handynummer", "mobil", "rufnummer"),
        *("mobiltelefon", "portable", "numerodetelephone", "telefono", "movil", "celular", "telefone", "telemovel"),
        *("cellulare", "telefoon", "telefoonnummer", "mobiel", "numertelefonu", "komorka", "puhelin", "telefonszam"),
        *("телефон", "номертелефона", "电话", "手机", "電話", "電話番号", "전화", "전화번호", "الهاتف", "هاتف", "جوال"),
        *("رقمالهاتف", "טלפון", "whatsapp", "phonee164"),
    ),
    FIRST: (
        *("firstname", "givenname", "forename", "vorname", "prenom", "voornaam", "imie", "fornavn", "fornamn"),
        *("etunimi", "keresztnev", "krestnijmeno", "primeironome", "primernombre", "名"),
    ),
    LAST: (
        *("lastname", "surname", "familyname", "nachname", "familienname", "nomdefamille", "apellido", "apellidos"),
        *("cognome", "achternaam", "nazwisko", "efternavn", "etternavn", "efternamn", "soyad", "soyadi", "фамилия"),
        *("sobrenome", "apelido", "sukunimi", "vezeteknev", "prijmeni", "姓"),
    ),
    NAME: (
        *("name", "fullname", "contactname", "leadname", "customername", "yourname", "vollername", "ansprechpartner"),
        *("vollstandigername", "nombrecompleto", "nomcomplet", "nomecompleto", "volledigenaam", "imieinazwisko", "фио"),
        *("adsoyad", "姓名", "名前", "氏名", "お名前", "이름", "الاسم", "الاسمالكامل", "שם", "שםמלא", "nom", "nombre"),
        *("nome", "naam", "navn", "namn", "nimi", "nev", "jmeno", "nume", "имя", "ad", "adi", "contact", "kontakt"),
        *("customer", "kunde", "client", "cliente"),
    ),
    LEAD_TYPE: (
        *("leadtype", "leadtypename", "category", "kategorie", "categorie", "categoria", "type", "tipo", "typ", "art"),
        *("тип", "类型", "種類", "النوع"),
    ),
    MESSAGE: (
        *("message", "comment", "comments", "enquiry", "inquiry", "request", "question", "nachricht", "kommentar"),
        *("anfrage", "bemerkung", "bemerkungen", "mensaje", "comentario", "comentarios", "mensagem", "messaggio"),
        *("commentaire", "commentaires", "bericht", "opmerking", "opmerkingen", "wiadomosc", "uwagi", "besked"),
        *("meddelande", "melding", "viesti", "uzenet", "zprava", "mesaj", "сообщение", "комментарий", "留言", "消息"),
        *("メッセージ", "お問い合わせ内容", "메시지", "الرسالة", "رسالة", "הודעה", "notes", "note", "notizen", "notiz"),
    ),
}
#: Words that mean the whole name, but the first one where there is a column for the last.
_FIRST_BESIDE_LAST: Final = frozenset({"nombre", "nome", "naam", "имя", "ad", "adi", "jmeno", "nume", "name"})
#: … and the last one where there is a column for the first.
_LAST_BESIDE_FIRST: Final = frozenset({"nom", "naam", "navn", "namn", "nev", "name"})
#: Within a longer name of a column these words tell it all the same.
_WITHIN: Final = {EMAIL: ("mail", "correo", "courriel"), PHONE: ("phone", "telef", "mobil", "handy")}
_ADDRESS: Final = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
_NUMBER: Final = re.compile(r"[+(]?[\d\s()./+-]{6,}")


def guess(header: Sequence[str], samples: Sequence[Sequence[str]]) -> list[str]:
    """A target for each column, :data:`IGNORED` where nothing fits. ``samples`` are some rows of the file."""
    plain = [_plain(name) for name in header]
    found: dict[int, str] = {}
    for target, words in _PLAIN_WORDS.items():
        named = sorted((words.index(name), place) for place, name in enumerate(plain) if name in words)
        _give(found, target, [place for _rank, place in named])
    for target, parts in _WITHIN.items():
        _give(found, target, [place for place, name in enumerate(plain) if any(part in name for part in parts)])
    for target, shape in ((EMAIL, _ADDRESS), (PHONE, _NUMBER)):
        _give(found, target, [place for place in range(len(header)) if _mostly(samples, place, shape)])
    _settle_names(found, plain)
    return [found.get(place, IGNORED) for place in range(len(header))]


def _give(found: dict[int, str], target: str, places: Sequence[int]) -> None:
    """The first of these columns that is still free gets the target, unless another has it."""
    if target not in found.values():
        free = next((place for place in places if place not in found), None)
        if free is not None:
            found[free] = target


def _settle_names(found: dict[int, str], plain: Sequence[str]) -> None:
    """Where there are several columns of names: "Name" beside "Vorname" is the last name, and so on."""
    place = next((place for place, target in found.items() if target == NAME), None)
    parts = {target for target in found.values() if target in {FIRST, LAST}}
    if place is None or not parts:
        return
    if parts == {LAST} and plain[place] in _FIRST_BESIDE_LAST:
        found[place] = FIRST
    elif parts == {FIRST} and plain[place] in _LAST_BESIDE_FIRST:
        found[place] = LAST
    else:
        for other in [place for place, target in found.items() if target in parts]:
            del found[other]


def _mostly(samples: Sequence[Sequence[str]], place: int, shape: re.Pattern[str]) -> bool:
    there = [row[place].strip() for row in samples if place < len(row) and row[place].strip()]
    return bool(there) and sum(bool(shape.fullmatch(cell)) for cell in there) * 2 > len(there)


def _plain(name: str) -> str:
    """A column's name without accents, spaces and signs, in lower case."""
    return "".join(sign for sign in unicodedata.normalize("NFKD", name.lower()) if sign.isalnum())


_PLAIN_WORDS: Final = {target: [_plain(word) for word in words] for target, words in _WORDS.items()}
