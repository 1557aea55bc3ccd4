"""The scrubber: finds what is personal, leaves alone what is not, and keeps JSON JSON."""

import json
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assay_server.checks.pii import Scrubber
from assay_server.checks.pii_detectors import DETECTORS, card_is_valid, iban_is_valid, luhn

LABELLED = Path(__file__).parents[4] / "shared/data/pii/presidio_synth_v2.json"

scrubber = Scrubber()


@pytest.mark.parametrize(
    ("text", "scrubbed"),
    [
        ("write to Ann.O+x@mail.example.org.", "write to [EMAIL_ADDRESS]."),
        ("card 4111 1111 1111 1111, thanks", "card [CREDIT_CARD], thanks"),
        ("amex 378282246310005", "amex [CREDIT_CARD]"),
        ("3782-822463-10005 4111111111111111 5555555555554444", "[CREDIT_CARD] [CREDIT_CARD] [CREDIT_CARD]"),
        ("DE89 3704 0044 0532 0130 00 please", "[IBAN_CODE] please"),
        ("gb82west12345698765432", "[IBAN_CODE]"),
        ("SSN 536-90-4399", "SSN [US_SSN]"),
        ("from 203.0.113.77:8080", "from [IP_ADDRESS]:8080"),
        ("from 2001:db8::8a2e:370:7334", "from [IP_ADDRESS]"),
        ("call +49 30 1234567", "call [PHONE_NUMBER]"),
        ("(212) 555-0142 x12", "[PHONE_NUMBER]"),
        ("Phone: 9498777106", "Phone: [PHONE_NUMBER]"),
        ("https://bob:pa55w0rd@host/x", "https://[SECRET]@host/x"),
        ("Authorization: Bearer abcdefghijklmnop1234", "Authorization: Bearer [SECRET]"),
        ("key sk-proj-abcdefghijklmnopqrstuvwxyz", "key [SECRET]"),
        ("AKIAIOSFODNN7EXAMPLE", "[SECRET]"),
        ("password=hunter2!", "password=[SECRET]"),
        ("two: a@b.org, c@d.org", "two: [EMAIL_ADDRESS], [EMAIL_ADDRESS]"),
        ("Käufer ünïcode a@b.org 日本", "Käufer ünïcode [EMAIL_ADDRESS] 日本"),
        ("ich bin jörg.müller@example.org.", "ich bin [EMAIL_ADDRESS]."),
        ("josé@müller.example, o\u0308z@x.org", "[EMAIL_ADDRESS], [EMAIL_ADDRESS]"),
        ("почта: анна@пример.рф", "почта: [EMAIL_ADDRESS]"),
        ("メールはada@mail-box.orgまで", "メールは[EMAIL_ADDRESS]まで"),
    ],
)
def test_personal_data_is_replaced_by_its_type(text: str, scrubbed: str) -> None:
    assert scrubber.scrub(text)[0] == scrubbed
    assert scrubber.scrub(scrubbed) == (scrubbed, ())


@pytest.mark.parametrize(
    "text",
    [
        "max_tokens: 100000, temperature 0.2, cost 0.0012345678",
        "1732176000123456789",  # nanoseconds
        "at 1732176000 and 1732176000123",
        "2024-11-20 08:15:39.123456 and 20/11/2024",
        "trace 4bf92f3577b34da6a3ce929d0e0e4736",
        "550e8400-e29b-41d4-a716-446655440000",
        "order 12345678, item 00123456",
        "4111 1111 1111 1112",  # Luhn says no
        "DE89 3704 0044 0532 0130 01",  # modulo 97 says no
        "000-12-3456",
        "127.0.0.1:4600 and ::1 and 0.0.0.0",
        "version 1.2.3.4-beta, 999.1.2.3",
        "std::vector<int> Foo::bar dead::beef 12:34:56",
        "password: required, api_key: {api_key}",
        "https://example.org/path?x=1@2",
        "price 1,234,567.89 or 12 345 678 EUR",
        "[1732176000, 0.25, 4096, 131072, 2147483647]",
        "max 20 % of 1 500 users in 30 days",
        "pk_abc is public, mask_12345678",
    ],
)
def test_numbers_ids_and_code_stay_as_they_are(text: str) -> None:
    assert scrubber.scrub(text) == (text, ())


def test_json_stays_json_and_keeps_its_form() -> None:
    text = (
        '{ "card": 4111111111111111,"n": 1732176000123456, "t":"x\\n4111111111111111", "phone":"9498777106",\n"k":"ü"}'
    )
    scrubbed, types = scrubber.scrub(text)
    assert json.loads(scrubbed) == {
        "card": "[CREDIT_CARD]",
        "n": 1732176000123456,
        "t": "x\n[CREDIT_CARD]",
        "phone": "[PHONE_NUMBER]",
        "k": "ü",
    }
    assert scrubbed.startswith('{ "card": "[CREDIT_CARD]","n": 1732176000123456,')
    assert types == ("CREDIT_CARD", "PHONE_NUMBER")


def test_json_inside_json_stays_json() -> None:
    text = json.dumps({"arguments": json.dumps({"to": "ann@example.org", "card": 4111111111111111})})
    inner = json.loads(json.loads(scrubber.scrub(text)[0])["arguments"])
    assert inner == {"to": "[EMAIL_ADDRESS]", "card": "[CREDIT_CARD]"}


def test_a_secret_is_found_in_json_at_any_depth() -> None:
    text = json.dumps([{"arguments": json.dumps({"body": json.dumps({"password": "hunter2!"})})}])
    scrubbed, types = scrubber.scrub(text)
    assert types == ("SECRET",)
    assert json.loads(json.loads(json.loads(scrubbed)[0]["arguments"])["body"]) == {"password": "[SECRET]"}


def test_what_only_looks_like_json_is_scrubbed_as_text() -> None:
    assert scrubber.scrub('{"to": ann@example.org')[0] == '{"to": [EMAIL_ADDRESS]'


def test_a_field_name_says_what_its_value_is() -> None:
    assert scrubber.scrub("hunter2", before="db.password") == ("[SECRET]", ("SECRET",))
    assert scrubber.scrub("9498777106", before="customer.phone") == ("[PHONE_NUMBER]", ("PHONE_NUMBER",))
    assert scrubber.scrub("9498777106", before="order.id") == ("9498777106", ())
    assert json.loads(scrubber.scrub('{"api_key": "abc123xyz"}')[0]) == {"api_key": "[SECRET]"}


@pytest.mark.parametrize("text", ["fax: 0301234567", "Mobile 07700900123 please", "call me on 5551234567"])
@pytest.mark.parametrize("name", ["", "note", "input.value", "answer_2", "x.", "a:"])
def test_a_field_name_is_no_part_of_the_first_word(text: str, name: str) -> None:
    """`notefax` and `input.valueMobile` are no words for a telephone: the number stayed."""
    assert scrubber.scrub(text, before=name)[1] == ("PHONE_NUMBER",)
    assert scrubber.scrub_value({name: text}, set()) == {name: scrubber.scrub(text)[0]}


@settings(max_examples=300)
@given(
    name=st.sampled_from(["note", "phone", "my.password", "db_pwd", "desk", "input.value", "token", "api-key", "order"])
    | st.text(max_size=12),
    text=st.sampled_from(["0301234567", "hunter2", "tel 0301234567", "ann@example.org", "4111 1111 1111 1111", "a b"])
    | st.text(max_size=30),
)
def test_under_a_name_that_tells_nothing_a_text_is_what_it_is_alone(name: str, text: str) -> None:
    assert scrubber.tells(name) or scrubber.scrub(text, name) == scrubber.scrub(text)


def test_values_inside_lists_and_objects_are_scrubbed_and_numbers_stay() -> None:
    found: set[str] = set()
    value = {"a@b.org": ["203.0.113.77", 4111111111111111, None, True, {"x": (1.5,)}]}
    assert scrubber.scrub_value(value, found) == {
        "[EMAIL_ADDRESS]": ["[IP_ADDRESS]", 4111111111111111, None, True, {"x": [1.5]}]
    }
    assert found == {"EMAIL_ADDRESS", "IP_ADDRESS"}


def test_half_of_a_surrogate_pair_is_no_obstacle() -> None:
    assert scrubber.scrub("\ud83d a@b.org")[0] == "\ud83d [EMAIL_ADDRESS]"


_PIECES = st.sampled_from(
    ["a@b.org", "4111111111111111", "DE89370400440532013000", "203.0.113.7", "536-90-4399", "+4930123456", " ", '"',
     "\n", "{", "}", "[", ":", ",", "1732176000", "sk-abcdefghijklmnopqrst", "ü", "\\", "x", "password=a1b2c3",
     "://u:p@h", "::1"]
)  # fmt: skip


@given(st.lists(_PIECES, max_size=12).map("".join))
@settings(max_examples=400, deadline=None)
def test_what_is_called_clean_is_not_changed_by_any_detector(text: str) -> None:
    if scrubber.is_clean(text):
        assert [place for detector in DETECTORS for place in detector.find(text, "")] == []
        assert scrubber.scrub(text) == (text, ())


@given(st.lists(_PIECES, max_size=12).map(" ".join))
@settings(max_examples=400, deadline=None)
def test_scrubbing_twice_is_scrubbing_once(text: str) -> None:
    once, _ = scrubber.scrub(text)
    assert scrubber.scrub(once)[0] == once


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | _PIECES | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_PIECES, inner, max_size=4),
    max_leaves=12,
)


@given(st.lists(_JSON, max_size=3) | st.dictionaries(_PIECES, _JSON, max_size=3))
@settings(max_examples=200, deadline=None)
def test_json_in_json_out(value: object) -> None:
    json.loads(scrubber.scrub(json.dumps(value))[0])


@given(st.text(max_size=200))
@settings(max_examples=200, deadline=None)
def test_no_text_breaks_it(text: str) -> None:
    scrubber.scrub(text)
    scrubber.scrub("{" + text)


@given(st.integers(10**11, 10**15))
def test_luhn_finds_every_single_wrong_digit(number: int) -> None:
    digits = str(number)
    check = next(str(d) for d in range(10) if luhn(digits + str(d)))
    whole = digits + check
    wrong = whole[:3] + str((int(whole[3]) + 1) % 10) + whole[4:]
    assert luhn(whole)
    assert not luhn(wrong)


def test_published_examples_are_valid() -> None:
    assert all(
        card_is_valid(card)
        for card in ("5555555555554444", "6011 1111 1111 1117", "30569309025904", "2223003122003222")
    )
    assert all(
        iban_is_valid(iban)
        for iban in ("GB29 NWBK 6016 1331 9268 19", "FR1420041010050500013M02606", "NO9386011117947")
    )


@pytest.mark.skipif(not LABELLED.exists(), reason="the labelled texts (../shared/data/pii) are not on this machine")
@pytest.mark.parametrize(
    ("entity", "recall", "precision"),
    [
        ("EMAIL_ADDRESS", 0.95, 0.95),
        ("CREDIT_CARD", 0.95, 0.95),
        ("IBAN_CODE", 0.95, 0.95),
        ("PHONE_NUMBER", 0.90, 0.90),
        ("US_SSN", 0.95, 0.95),
        ("IP_ADDRESS", 0.95, 0.95),
    ],
)
def test_labelled_texts_of_others_agree(entity: str, recall: float, precision: float) -> None:
    detector = next(detector for detector in DETECTORS if detector.entity == entity)
    counts: Counter[str] = Counter()
    for row in json.loads(LABELLED.read_text()):
        labelled = [(s["start_position"], s["end_position"]) for s in row["spans"] if s["entity_type"] == entity]
        found = [] if scrubber.is_clean(row["full_text"]) else list(detector.find(row["full_text"], ""))
        counts["labelled"] += len(labelled)
        counts["recalled"] += sum(any(a <= start and b >= end for a, b in found) for start, end in labelled)
        counts["found"] += len(found)
        counts["right"] += sum(any(a < end and b > start for start, end in labelled) for a, b in found)
    assert counts["labelled"] >= 14
    assert counts["recalled"] / counts["labelled"] >= recall
    assert counts["right"] / counts["found"] >= precision
