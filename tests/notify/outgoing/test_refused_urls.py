"""Nothing inside this network is called, however it is spelled: no connection, neither when saved nor when sent."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence

import pytest

from stagewise.notify.outbound import Outbound, OutboundError
from stagewise.notify.outbound_addresses import Guard
from tests.notify.outgoing.literals import HOSTS, URLS
from tests.notify.outgoing.sinks import Sink

Client = Callable[..., Outbound]


def test_there_are_as_many_spellings_as_we_know() -> None:
    assert len(set(HOSTS)) > 120
    assert len(set(URLS)) == len(URLS)


@pytest.mark.parametrize("url", URLS, ids=ascii)
def test_a_url_that_leads_inside_is_refused_when_saved_and_when_sent(url: str, sink: Sink, client: Client) -> None:
    outgoing = client(resolve=lambda _name, _port: [("127.0.0.1", sink.port)])
    typed = url.replace("PORT", str(sink.port))
    assert outgoing.check(typed)
    with pytest.raises(OutboundError):
        outgoing.send("GET", typed)
    assert sink.connections == 0


def test_what_the_operator_allows_is_called_which_proves_that_the_receiver_counts(sink: Sink, client: Client) -> None:
    assert client("127.0.0.0/8").send("GET", f"{sink.url}/here").status == 200
    assert sink.connections == 1


@pytest.mark.parametrize("host", ["0.0.0.0", "169.254.169.254", "[fd00:ec2::254]", "[ff02::1]", "100.100.100.200"])
def test_some_addresses_are_never_called_whatever_the_operator_allows(host: str, client: Client) -> None:
    outgoing = client("0.0.0.0/1", "128.0.0.0/1", "::/1", "8000::/1")
    assert "never called" in (outgoing.check(f"https://{host}/") or "")


@pytest.mark.parametrize("url", ["https://93.184.215.14/hook", "https://[2606:2800:21f:cb07:6820:80da:af6b:8b2c]:8443"])
def test_addresses_of_the_public_internet_can_be_saved(url: str, client: Client) -> None:
    assert client().check(url) is None


@pytest.mark.parametrize(
    "address", ["1.1.1.1", "93.184.215.14", "172.15.255.255", "172.32.0.1", "192.0.1.1", "2001:200::1", "2a00::1"]
)
def test_the_neighbours_of_inside_networks_are_outside(address: str) -> None:
    assert Guard().objection(address) == ""


def test_a_public_name_can_be_saved_in_every_script(client: Client) -> None:
    outgoing = client(resolve=lambda _name, _port: [("93.184.215.14", 443)])
    assert outgoing.check("https://hooks.example.com/leads?to=%C3%A4&token=a_b-c~d") is None
    assert outgoing.check("https://bücher.example/leads") is None
    assert outgoing.check("https://hooks.example.com.:443?a=b") is None


def test_a_name_that_is_not_found_just_now_can_be_saved_and_fails_when_sent(client: Client) -> None:
    def nobody(_name: str, _port: int) -> Sequence[tuple[str, int]]:
        raise OSError("no such name")

    outgoing = client(resolve=nobody)
    assert outgoing.check("https://hooks.example.com/") is None
    assert outgoing.check("http://hooks.example.com/") is not None
    with pytest.raises(OutboundError, match=r"hooks\.example\.com was not found"):
        outgoing.send("POST", "https://hooks.example.com/secret")


def test_leads_go_unencrypted_to_allowed_receivers_only(sink: Sink, client: Client) -> None:
    outgoing = client(
        "127.0.0.1", resolve=lambda name, _port: [("127.0.0.1" if name == "in.example" else "93.184.215.14", sink.port)]
    )
    assert outgoing.check("http://in.example/") is None
    assert "https://" in (outgoing.check("http://out.example/") or "")
    with pytest.raises(OutboundError, match="https://"):
        outgoing.send("POST", "http://out.example/")


# Names that change their mind


def test_a_name_that_means_something_else_when_sent_reaches_nobody(sink: Sink, client: Client) -> None:
    answers = itertools.chain([("93.184.215.14", 443)], itertools.repeat(("127.0.0.1", sink.port)))
    outgoing = client(resolve=lambda _name, _port: [next(answers)])
    assert outgoing.check("https://rebinding.example/") is None
    for _ in range(1_000):
        with pytest.raises(OutboundError, match="not in the public internet"):
            outgoing.send("POST", "https://rebinding.example/")
    assert sink.connections == 0


@pytest.mark.parametrize(
    "found",
    [
        ["93.184.215.14", "127.0.0.1"],
        ["2606:2800:21f:cb07:6820:80da:af6b:8b2c", "::1"],
        ["2606:2800:21f:cb07:6820:80da:af6b:8b2c", "::ffff:127.0.0.1"],
        [f"93.184.215.{n}" for n in range(49)] + ["10.0.0.1"],
        ["64:ff9b::7f00:1"],
        ["fe80::1%eth0"],
        ["not an address"],
    ],
)
def test_one_address_inside_among_many_is_enough_to_refuse_the_name(
    found: list[str], sink: Sink, client: Client
) -> None:
    outgoing = client(resolve=lambda _name, _port: [(address, sink.port) for address in found])
    assert outgoing.check("https://mixed.example/")
    with pytest.raises(OutboundError):
        outgoing.send("POST", "https://mixed.example/")
    assert sink.connections == 0


def test_between_check_and_connection_the_name_is_not_asked_again(sink: Sink, client: Client) -> None:
    asked: list[str] = []

    def resolve(name: str, _port: int) -> Sequence[tuple[str, int]]:
        asked.append(name)
        return [("127.0.0.1" if len(asked) == 1 else "127.0.0.2", sink.port)]

    assert client("127.0.0.1", resolve=resolve).send("POST", "http://flips.example/").status == 200
    assert asked == ["flips.example"]
    assert sink.connections == 1
