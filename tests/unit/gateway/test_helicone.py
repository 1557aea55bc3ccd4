"""Helicone's headers at the gateway."""

from assay_server.core.clock import SystemClock
from assay_server.core.ports import Principal
from assay_server.gateway.call import Call
from assay_server.gateway.request import parse

BODY = b'{"model": "p/m", "messages": []}'


def call(**headers: str) -> Call:
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    return parse(Principal("prj_1", "key:1", "ingest"), sent, BODY, SystemClock())


def test_user_session_path_and_properties_come_along() -> None:
    told = call(
        helicone_user_id="Zo%C3%AB",
        helicone_session_id="s",
        helicone_session_path="/plan/search",
        helicone_property_team="support",
    )
    assert (told.caller.user, told.caller.session) == ("Zo\u00eb", "s")
    assert told.attributes == {"helicone.session-path": "/plan/search", "helicone.property.team": "support"}


def test_keys_are_never_kept() -> None:
    assert call(helicone_auth="Bearer sk_x", helicone_openai_api_key="sk-y").attributes == {}


def test_our_own_headers_and_the_body_win() -> None:
    told = call(helicone_user_id="theirs", x_assay_user="ours", x_assay_session="s", helicone_session_id="t")
    assert (told.caller.user, told.caller.session) == ("ours", "s")


def test_what_is_sent_without_end_is_cut() -> None:
    told = call(**{f"helicone_property_p{number}": "x" * 5000 for number in range(100)}).attributes
    assert len(told) == 64
    assert {len(value) for value in told.values()} == {1000}
