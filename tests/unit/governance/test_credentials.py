import base64

import pytest

from assay_server.core.errors import Unauthenticated
from assay_server.governance.credentials import digest, new_pair, new_token, secret_in


def basic(text: str) -> str:
    return "Basic " + base64.b64encode(text.encode()).decode()


@pytest.mark.parametrize(
    "headers",
    [
        {"authorization": "Bearer sk_a_b"},
        {"authorization": "bearer   sk_a_b "},
        {"authorization": "sk_a_b"},
        {"authorization": basic("pk_a:sk_a_b")},
        {"authorization": basic("anything:sk_a_b")},
        {"x-api-key": "sk_a_b"},
        {"x-api-key": " sk_a_b\t"},
        {"authorization": "Bearer sk_a_b", "x-api-key": "sk_other"},
        {"authorization": "", "x-api-key": "sk_a_b"},
    ],
)
def test_every_form_gives_the_same_secret(headers: dict[str, str]) -> None:
    assert secret_in(headers) == "sk_a_b"


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"authorization": ""},
        {"authorization": "Bearer "},
        {"authorization": "Basic ???"},
        {"authorization": "Basic " + base64.b64encode(b"\xff\xfe").decode()},
        {"authorization": basic("pk_without_password")},
        {"authorization": "Digest username=x"},
        {"x-api-key": ""},
    ],
)
def test_what_holds_no_secret_is_refused_with_the_way_to_send_one(headers: dict[str, str]) -> None:
    with pytest.raises(Unauthenticated) as refused:
        secret_in(headers)
    assert "Bearer" in str(refused.value.fix)


def test_helicones_header_decides_beside_the_providers_key() -> None:
    assert secret_in({"helicone-auth": "Bearer sk_ours", "authorization": "Bearer sk-theirs"}) == "sk_ours"


def test_a_colon_in_the_secret_survives_basic() -> None:
    assert secret_in({"authorization": basic("pk:a:b")}) == "a:b"


def test_a_pair_shares_its_middle_and_is_never_the_same_twice() -> None:
    public, secret = new_pair()
    _, middle, end = secret.split("_")
    assert public == f"pk_{middle}"
    assert (len(middle), len(end)) == (20, 40)
    assert new_pair() != (public, secret)
    assert new_token() != new_token()


def test_the_digest_is_sha256() -> None:
    assert digest("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
