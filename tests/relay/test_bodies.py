"""What forms send, in the three ways that they have."""

from __future__ import annotations

import pytest
from stagewise_client.relay import bodies

FORM = "application/x-www-form-urlencoded"


def multipart(*parts: str | bytes, boundary: str = "----b") -> tuple[str, bytes]:
    """A multipart form; each part with its headers and its content, as browsers write it."""
    pieces = [part.encode() if isinstance(part, str) else part for part in parts]
    body = b"".join(b"--" + boundary.encode() + b"\r\n" + piece + b"\r\n" for piece in pieces)
    return f"multipart/form-data; boundary={boundary}", body + b"--" + boundary.encode() + b"--\r\n"


def part(name: str, value: str) -> str:
    return f'Content-Disposition: form-data; name="{name}"\r\n\r\n{value}'


def refused(content_type: str, body: bytes) -> str:
    with pytest.raises(bodies.Unreadable) as refusal:
        bodies.read(content_type, body)
    return refusal.value.code


def test_json_arrives_as_it_was_sent() -> None:
    assert bodies.read("application/json; charset=utf-8", b'{"name": "Ada", "_elapsed_ms": 4000}') == {
        "name": "Ada",
        "_elapsed_ms": 4000,
    }


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'"x"', b"\xff", b"[" * 60_000, b"null"])
def test_json_that_is_no_object_is_refused(body: bytes) -> None:
    assert refused("application/json", body) == "invalid_json"


def test_a_form_arrives_decoded() -> None:
    body = b"name=Zo%C3%AB+M%C3%BCller&message=a%0D%0Ab&phone=&unknown"
    assert bodies.read(FORM, body) == {"name": "Zoë Müller", "message": "a\r\nb", "phone": "", "unknown": ""}


@pytest.mark.parametrize("body", [b"name=Zo%EB", b"name=Zo\xeb"])
def test_a_form_of_an_old_website_arrives_in_its_own_letters(body: bytes) -> None:
    assert bodies.read(FORM, body) == {"name": "Zoë"}


def test_a_multipart_form_arrives_decoded() -> None:
    content = multipart(part("name", "Zoë"), part("message", "one\r\n\r\ntwo\n--three\r\n"), part("phone", ""))
    assert bodies.read(*content) == {"name": "Zoë", "message": "one\r\n\r\ntwo\n--three\r\n", "phone": ""}


def test_a_file_field_that_was_left_alone_does_no_harm_and_a_file_is_refused() -> None:
    empty = 'Content-Disposition: form-data; name="cv"; filename=""\r\nContent-Type: application/octet-stream\r\n\r\n'
    assert bodies.read(*multipart(part("name", "Ada"), empty)) == {"name": "Ada"}
    full = 'Content-Disposition: form-data; name="cv"; filename="cv.txt"\r\nContent-Type: text/plain\r\n\r\nMy life'
    assert refused(*multipart(part("name", "Ada"), full)) == "unsupported_media_type"


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("multipart/form-data", b"--b\r\n\r\nx\r\n--b--\r\n"),
        ("multipart/form-data; boundary=b", b""),
        ("multipart/form-data; boundary=b", b"nothing of the kind"),
        ("multipart/form-data; boundary=b", b'--b\r\nContent-Disposition: form-data; name="name"\r\n\r\nAda'),
        multipart("Content-Disposition: form-data\r\n\r\nnameless"),
        multipart('Content-Disposition: form-data; name="a"\r\nContent-Type: multipart/mixed; boundary=c\r\n\r\n--c--'),
        multipart(*[part(f"f{number}", "") for number in range(201)]),
        (FORM, "&".join(f"f{number}=" for number in range(201)).encode()),
    ],
)
def test_a_form_that_no_browser_sends_is_refused(content_type: str, body: bytes) -> None:
    assert refused(content_type, body) == "invalid_request"


def test_of_two_fields_with_one_name_the_first_that_is_filled_in_counts() -> None:
    assert bodies.read(FORM, b"altcha=&altcha=token&altcha=other") == {"altcha": "token"}


@pytest.mark.parametrize("content_type", ["", "text/plain", "text/plain; application/json", "application/json+x"])
def test_anything_else_is_refused(content_type: str) -> None:
    assert refused(content_type, b"{}") == "unsupported_media_type"


def test_a_long_body_is_refused() -> None:
    assert refused("application/json", b" " * 65_537) == "too_large"
