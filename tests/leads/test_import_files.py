"""Files as people have them: encodings, separators, names of columns, and what is no table at all."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from stagewise.accounts.errors import ActionError
from stagewise.leads.importing import files
from stagewise.leads.importing.columns import guess

Written = Callable[[str | bytes], Path]


@pytest.fixture
def written(tmp_path: Path) -> Written:
    def made(content: str | bytes) -> Path:
        path = tmp_path / "file.csv"
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return made


def read(path: Path) -> tuple[list[str], list[list[str]]]:
    form = files.look(path)
    _header, *rows = files.rows(path, form.encoding, form.separator)
    return form.header, [row.cells for row in rows]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252"])
@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_files_of_any_program_are_read(written: Written, encoding: str, separator: str, end: str) -> None:
    rows = [["Name", "Telefon", "E-Mail"], ["Jörg Müßig", "030 901820", "joerg@example.org"]]
    text = end.join(separator.join(cells) for cells in rows)
    assert read(written(text.encode(encoding))) == (rows[0], [rows[1]])


def test_separators_and_line_ends_within_quotation_marks_are_text(written: Written) -> None:
    text = 'name;message\r\n"A; ""B""";"x,\r\ny"\r\n'
    assert read(written(text)) == (["name", "message"], [['A; "B"', "x,\r\ny"]])


def test_commas_in_texts_do_not_make_a_file_of_semicolons_one_of_commas(written: Written) -> None:
    text = "name;message\n" + "".join(f"Person {n};a, b, c, d, e\n" for n in range(9))
    assert files.look(written(text)).separator == ";"


def test_what_excel_puts_first_is_no_row(written: Written) -> None:
    form = files.look(written("sep=;\nname;phone\nAda;1\n\n;;\nBob;2\n"))
    assert (form.header, form.total) == (["name", "phone"], 2)
    rows = list(files.rows(written("sep=;\nname;phone\nAda;1\n\n;;\nBob;2\n"), "utf-8", ";"))
    assert [row.number for row in rows] == [2, 3, 6]


def test_what_our_export_puts_before_formulas_is_taken_away(written: Written) -> None:
    assert read(written("name,phone\n'=1+1,'+49 30\n'Hooft,O'Brien\n"))[1] == [
        ["=1+1", "+49 30"],
        ["'Hooft", "O'Brien"],
    ]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "nothing in this file"),
        (b"\n \n,,\n", "nothing in this file"),
        (b"name,phone\n", "only one row"),
        (b"PK\x03\x04\x14\x00", "no CSV file"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1", "no CSV file"),
        (b"%PDF-1.7", "no CSV file"),
        (b"\xff\xfea\x00b", "no text"),
        (b"\xef\xbb\xbfname\n\xff", "no text"),
        (bytes(range(256)) * 4, "no text"),
        (b"a,b\n" * 3 + b'"' + b"x" * 140_000, "Row 4 cannot be read"),
        (",".join(["x"] * 101).encode() + b"\n1\n", "more than 100 columns"),
    ],
)
def test_what_is_no_table_of_leads_is_said_with_a_way_on(written: Written, content: bytes, words: str) -> None:
    with pytest.raises(ActionError) as refused:
        files.look(written(content))
    assert words in str(refused.value)


def test_bytes_that_are_no_text_in_any_encoding_do_no_harm(written: Written) -> None:
    assert read(written(b"name,phone\nJ\x81rg,1\n"))[1] == [["J\ufffdrg", "1"]]


def test_a_file_is_kept_where_nobody_else_reads_it(tmp_path: Path) -> None:
    name = files.keep(tmp_path, [b"a", b"b"])
    path = files.folder(tmp_path) / name
    assert path.read_bytes() == b"ab"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(files.folder(tmp_path).stat().st_mode) == 0o700


def test_a_file_that_is_too_large_is_not_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "LARGEST", 3)
    with pytest.raises(ActionError):
        files.keep(tmp_path, [b"ab", b"cd"])
    assert not list(files.folder(tmp_path).iterdir())


def test_only_old_files_that_nobody_needs_are_swept_away(tmp_path: Path) -> None:
    names = [files.keep(tmp_path, [b"x"]) for _ in range(3)]
    for name in names[:2]:
        os.utime(files.folder(tmp_path) / name, (1, 1))
    assert files.sweep(tmp_path, {names[0]}) == 1
    assert {path.name for path in files.folder(tmp_path).iterdir()} == {names[0], names[2]}


# Columns


@pytest.mark.parametrize(
    ("header", "targets"),
    [
        ("Name,Phone,E-mail,Message,Lead type", "name phone email message lead_type_name"),
        ("First Name,Last Name,Mobile,Email Address,Notes", "first_name last_name phone email message"),
        ("Vorname;Name;Telefon (mobil);E-Mail-Adresse;Bemerkung", "first_name last_name phone email message"),
        ("Vorname;Nachname;Rufnummer;Mail;Firma", "first_name last_name phone email -"),
        ("Nom,Prénom,Téléphone,Adresse e-mail,Commentaire", "last_name first_name phone email message"),
        ("Nombre,Apellidos,Teléfono,Correo electrónico,Tipo", "first_name last_name phone email lead_type_name"),
        ("Nombre,Móvil,Correo,Mensaje", "name phone email message"),
        ("Nome,Cognome,Cellulare,Posta,Messaggio", "first_name last_name phone email message"),
        ("Nome completo,Telemóvel,E-mail,Mensagem", "name phone email message"),
        ("Imię,Nazwisko,Numer telefonu,E-mail,Uwagi", "first_name last_name phone email message"),
        ("ФИО;Телефон;Электронная почта;Комментарий", "name phone email message"),
        ("氏名,電話番号,メールアドレス,お問い合わせ内容", "name phone email message"),
        ("姓名,手机,邮箱,留言", "name phone email message"),
        ("الاسم الكامل,رقم الهاتف,البريد الإلكتروني,الرسالة", "name phone email message"),
        (
            "id,created_at,name,phone,phone_e164,email,message,lead_type",
            "- - name phone - email message lead_type_name",
        ),
        ("Full name,First name,Last name,Phone,Phone 2,Your e-mail", "name - - phone - email"),
        ("Name,Surname,Tel.,E-Mail", "first_name last_name phone email"),
        ("Company,Budget", "- -"),
    ],
)
def test_columns_are_guessed_by_their_names_in_many_languages(header: str, targets: str) -> None:
    names = header.split(";" if ";" in header else ",")
    assert guess(names, []) == ["" if target == "-" else target for target in targets.split()]


def test_columns_without_a_telling_name_are_guessed_by_what_is_in_them() -> None:
    rows = [
        ["Ada", "x@example.org", "+49 30 901820", "5"],
        ["Bob", "", "030/901821", "6"],
        ["", "y@example.org", "", ""],
    ]
    assert guess(["Who", "A", "B", "C"], rows) == ["", "email", "phone", ""]
