from assay_server.core.clock import SystemClock
from assay_server.core.ports import Principal
from assay_server.gateway.request import parse

BODY = b'{"model": "p/m", "messages": []}'


def test_percent_encoded_names_are_read_as_they_were_meant() -> None:
    headers = {"x-assay-user": "Zo%C3%AB", "x-assay-session": "a%2Cb", "x-assay-tags": "one%2C two,three"}

    caller = parse(Principal("prj_1", "key:1", "ingest"), headers, BODY, SystemClock()).caller

    assert caller.user == "Zoë"
    assert caller.session == "a,b"
    assert caller.tags == ["one, two", "three"]
