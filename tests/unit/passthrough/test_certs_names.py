import pytest
from hypothesis import given
from hypothesis import strategies as st

from lucid2mqtt.passthrough.certs_names import (
    alternatives_of,
    check_authority_name,
    check_name,
    parse_alternatives,
    parse_shown_alternatives,
)


@pytest.mark.parametrize("name", ["az-2", "cabin.example", "A", "a" * 64, "192.168.1.20"])
def test_host_names_and_short_names_are_names(name: str) -> None:
    assert check_name(name) == name


@pytest.mark.parametrize("name", ["", "a" * 65, "../ca", "a/CN=b", "-x", "a b", "a.", "ä", "a\n"])
def test_what_could_be_a_path_an_option_or_a_second_field_is_no_name(name: str) -> None:
    with pytest.raises(ValueError, match="cannot be a name"):
        check_name(name)


def test_an_authority_may_have_spaces_in_its_name() -> None:
    assert check_authority_name("Haus am See") == "Haus am See"
    with pytest.raises(ValueError, match="name of an authority"):
        check_authority_name("a/b")


def test_alternative_names_are_read_in_openssl_s_words() -> None:
    assert parse_alternatives("dns:cabin.lan, IP:192.168.1.20,ip:FD00::1,dns:*.lan") == (
        "DNS:cabin.lan",
        "IP:192.168.1.20",
        "IP:fd00::1",
        "DNS:*.lan",
    )


@pytest.mark.parametrize("text", ["", "cabin.lan", "dns:", "dns:a,", "ip:cabin", "dns:a\nkeyUsage=x", "dns:$ENV::HOME", "dns:" + "a" * 254])
def test_anything_else_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(ValueError, match=r"write dns:cabin\.lan"):
        parse_alternatives(text)


def test_the_name_itself_comes_first_and_only_once() -> None:
    assert alternatives_of("az-2", ("DNS:az-2", "IP:::1")) == ("DNS:az-2", "IP:::1")
    assert alternatives_of("10.0.0.1", ()) == ("IP:10.0.0.1",)


def test_what_openssl_shows_is_read_back() -> None:
    shown = "X509v3 Subject Alternative Name: \n    DNS:az-2, IP Address:192.168.1.20, IP Address:FD00:0:0:0:0:0:0:1\n"
    assert parse_shown_alternatives(shown) == ("DNS:az-2", "IP:192.168.1.20", "IP:fd00::1")
    assert parse_shown_alternatives("") == ()


@given(st.text())
def test_alternative_names_are_safe_in_a_file_of_openssl_or_refused(text: str) -> None:
    try:
        names = parse_alternatives(text)
    except ValueError:
        return
    assert all(name.isascii() and name.isprintable() and not set(name) & set(" ,$\\#;=\"'") for name in names)


@given(
    st.lists(
        st.one_of(st.ip_addresses().map(lambda ip: f"ip:{ip}"), st.from_regex(r"dns:[a-z]{1,9}(\.[a-z]{1,9})?", fullmatch=True)), min_size=1
    )
)
def test_alternative_names_survive_being_read_again(items: list[str]) -> None:
    names = parse_alternatives(",".join(items))
    assert parse_alternatives(",".join(names)) == names
