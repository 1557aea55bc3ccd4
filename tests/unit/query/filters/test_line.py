"""The one line of filters: read into the parameters of the list, refused where it cannot be read, never guessed."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay_server.core.errors import InvalidInput
from assay_server.query import line_json, read_excluded, read_line
from assay_server.query.filters.line import excluding

NOW = 1_795_248_000 * 10**9  # 2026-11-21T08:00:00Z


def test_every_kind_of_part_is_read() -> None:
    q = (
        "status:error model:gpt-4o latency>2s latency<=1m cost>$0.01 tokens>=1.5k tokens<2M"
        ' user:"Jane Doe" env:prod trace:abc since:2d'
        " score.helpful<0.5 score.tone!=1 score.tone:friendly score.a!=b"
        ' score.comment~"too slow" score.comment:*'
        ' attr.http.route:/x attr.n>=3 attr.who~Ann attr.k:* refund "late delivery"'
    )
    assert read_line(q, NOW).filter == {
        "status": "error",
        "model": "gpt-4o",
        "min_latency_ms": 2000.0,
        "max_latency_ms": 60_000.0,
        "min_cost": 0.01,
        "min_tokens": 1500.0,
        "max_tokens": 2e6,
        "user": "Jane Doe",
        "environment": "prod",
        "trace_id": "abc",
        "since": "2026-11-19T08:00:00.000000Z",
        "score": [
            *("helpful:lt:0.5", "tone:ne:1", "tone:eq:friendly", "a:ne:b"),
            *("comment:contains:too slow", "comment:exists:"),
        ],
        "attribute": ["http.route:eq:/x", "n:ge:3", "who:contains:Ann", "k:exists:"],
        "text": 'refund "late delivery"',
    }


@pytest.mark.parametrize("value", ['c"d', '"', '""', " / ", "a  b", 'say "hi"', "a\nb", "e'f", "a/b", "%", '"a', 'a"'])
def test_any_value_can_be_said_between_quotes_that_are_doubled(value: str) -> None:
    doubled = value.replace('"', '""')
    assert read_line(f'user:"{doubled}" status:error', NOW).filter == {"user": value, "status": "error"}


@pytest.mark.parametrize(
    ("part", "fix"),
    [
        ("latency>2", "latency>2s or latency<=200ms"),
        ("latency:2s", "latency>2s or latency<=200ms"),
        ("cost>much", "cost>0.01"),
        ("tokens>many", "tokens>10000 or tokens<=10k"),
        ("tokens:5", "tokens>10000 or tokens<=10k"),
        ("status>error", "write status:error"),
        ("user:", "write user: with a value behind it"),
        ("score.helpful<low", "score.helpful<0.5"),
        ("since>2d", "since:2d or since:2026-11-21T08:00:00Z"),
        ("until:999999w", "until:30d"),
        (
            "kind:lmm",
            "use one of llm, agent, tool, retriever, reranker, embedding, guardrail, evaluator, chain, span",
        ),
    ],
)
def test_what_begins_like_a_condition_and_cannot_be_read_is_refused_with_a_fix(part: str, fix: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        read_line(f"refund {part} kind:llm", NOW)
    assert (refused.value.field, refused.value.value, refused.value.fix) == ("q", part, fix)


def test_a_part_with_a_minus_may_not_hold_as_often_as_one_likes() -> None:
    q = '-status:error -model:a -model:b -user:"Jane Doe" -attr.http.route:/x -score.a<1 -latency>2s'
    q += ' model:c "-a" --b - ->'
    line = read_line(q, NOW)
    assert line.filter == {
        "exclude": ["status:error", "model:a", "model:b", 'user:"Jane Doe"', "attr.http.route:/x",
                    "score.a<1", "latency>2s"],
        "model": "c",
        "text": '"-a" --b - ->',
    }  # fmt: skip
    assert [(part.field, part.value) for part in line.parts if part.negated][3] == ("user", "Jane Doe")
    assert [read_excluded(text, NOW) for text in line.filter["exclude"]][3:] == [
        {"user": "Jane Doe"}, {"attribute": ["http.route:eq:/x"]}, {"score": ["a:lt:1"]}, {"min_latency_ms": 2000.0},
    ]  # fmt: skip


def test_what_one_span_says_may_be_another_value() -> None:
    line = read_line('model!=a name!="a b" -kind!=llm', NOW)
    assert line.filter == {"differs": ["model:a", "name:a b"], "exclude": ["kind!=llm"]}
    assert read_excluded("kind!=llm", NOW) == {"differs": ["kind:llm"]}


def test_of_several_values_one_must_hold() -> None:
    line = read_line('model:a,"b, c","say ""hi""" -user:u1,u2 kind!=llm,tool trace:AB,cd tag:"x,y" attr.k:1,2', NOW)
    assert line.filter == {
        "model": ["a", "b, c", 'say "hi"'],
        "exclude": ["user:u1,u2"],
        "differs": ["kind:llm", "kind:tool"],
        "trace_id": ["ab", "cd"],
        "tag": "x,y",
        "attribute": ["k:eq:1,2"],
    }
    assert [part.value for part in line.parts][:2] == ['a,"b, c","say ""hi"""', "u1,u2"]
    assert read_excluded("user:u1,u2", NOW) == {"user": ["u1", "u2"]}
    assert read_line("model:a,a", NOW).filter == {"model": "a"}


@pytest.mark.parametrize(
    ("part", "fix"),
    [
        ("model:a,", 'model:a,b; with a comma in it: "a,b"'),
        ("user:,a", 'user:a,b; with a comma in it: "a,b"'),
        ("session:a,,b", 'session:a,b; with a comma in it: "a,b"'),
        ("user:" + ",".join(map(str, range(51))), "search for fewer at once"),
        ("kind:llm,lmm", "use one of llm, agent"),
        ("status:a status:b", "leave one 'status' out, or write status:a,b where one of them must hold"),
    ],
)
def test_several_values_that_cannot_be_read_are_refused_with_a_fix(part: str, fix: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        read_line(f"refund {part}", NOW)
    assert (refused.value.field, str(refused.value.fix)[: len(fix)]) == ("q", fix)


@pytest.mark.parametrize("value", ["a", "a b", "a,b", ",", 'say "hi"', '"', "/x:y", "a\nb", "-a", "*"])
def test_what_is_to_be_left_out_is_written_so_that_it_is_read_again(value: str) -> None:
    for name in ("model", "endpoint"):
        assert read_excluded(str(excluding(name, value)), NOW) == {name: value}
    if value != "*":
        assert read_excluded(str(excluding("attribute:http.route", value)), NOW) == {
            "attribute": [f"http.route:eq:{value}"]
        }


def test_what_no_line_can_say_is_not_written() -> None:
    said = [excluding(*each) for each in (("attribute:a b", "x"), ("attribute:a", "*"), ("tag:team", "x"))]
    assert (said, excluding("kind", "nothing")) == ([None] * 3, None)


@pytest.mark.parametrize(
    ("part", "fix"),
    [
        ("-refund", 'stands in quotes: "-refund"'),
        ('-"late delivery"', 'stands in quotes: "-late delivery"'),
        ("-nothing:here", "exclude by a field"),
        ("-since:2d", "write until:2d"),
        ("-latency>2", "latency>2s"),
        ("-model:", "write model: with a value behind it"),
        ("user!=a", "write -user:a"),
        ("NOT", "as -status:error"),
    ],
)
def test_what_cannot_be_excluded_is_refused_with_a_fix(part: str, fix: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        read_line(f"refund {part} kind:llm", NOW)
    assert (refused.value.field, refused.value.value) == ("q", part)
    assert fix in str(refused.value.fix)


@pytest.mark.parametrize("text", ["", "a", "-status:error", "status:error model:a", "since:2d", "latency>2"])
def test_a_parameter_that_excludes_is_one_part(text: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        read_excluded(text, NOW)
    assert (refused.value.field, refused.value.value) == ("exclude", text)


def test_a_field_stands_once() -> None:
    with pytest.raises(InvalidInput, match="stands in the line already"):
        read_line("user:a user:b", NOW)


@pytest.mark.parametrize("words", ["12:30", "https://x.test", "a<b", "nothing:here", "score.", "attr", "::", "-"])
def test_what_has_no_known_field_in_front_is_a_word(words: str) -> None:
    assert read_line(words, NOW).filter == {"text": words}


@pytest.mark.parametrize(
    ("slip", "meant"),
    [
        ("score:user_feedback<0.5", "score.user_feedback<0.5"),
        ("score<0.5", "score.NAME<0.5"),
        ("metadata.plan:gold", "attr.plan:gold"),
        ("attr:http.route", "attr.http.route:*"),
        ("modle:gpt-4o", "model:gpt-4o"),
        ("Model:gpt-4o", "model:gpt-4o"),
        ("userId:u1", "user:u1"),
        ("level:ERROR", "status:error"),
        ("duration>2s", "latency>2s"),
        ("-modle:gpt-4o", "-model:gpt-4o"),
    ],
)
def test_what_is_nearly_a_field_is_refused_with_what_was_meant(slip: str, meant: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        read_line(slip, NOW)
    assert (refused.value.field, refused.value.value) == ("q", slip)
    assert str(refused.value.fix).startswith(meant)
    if not slip.startswith("-"):
        assert read_line(f'"{slip}"', NOW).filter == {"text": f'"{slip}"'}


@pytest.mark.parametrize(
    "words", ["https://a.b/c?d=e", "std::vector", "12:30", "key=value", "order:12", 'say:"it"', "x" * 300 + ":y"]
)
def test_what_only_has_a_sign_in_it_is_a_word(words: str) -> None:
    assert read_line(words, NOW).filter == {"text": words}


def test_the_digits_of_a_trace_are_its_id() -> None:
    digits = "4BF92F3577B34DA6A3CE929D0E0E4736"
    assert read_line(f"{digits} status:error", NOW).filter == {"trace_id": digits.lower(), "status": "error"}
    assert read_line(f'"{digits}"', NOW).filter == {"text": f'"{digits}"'}
    assert read_line(digits + "0", NOW).filter == {"text": digits + "0"}


def test_places_are_counted_as_browsers_count_them() -> None:
    q = '😀 status:error "so long"'
    shown: list[dict[str, Any]] = line_json(q, read_line(q, NOW))["parts"]
    assert [(part["from"], part["to"], part["field"], part["op"], part["value"]) for part in shown] == [
        (0, 2, "text", None, "😀"),
        (3, 15, "status", ":", "error"),
        (16, 25, "text", None, "so long"),
    ]


@given(st.text(max_size=200))
def test_any_text_is_read_or_refused_with_the_part_that_stands_in_it(q: str) -> None:
    try:
        line = read_line(q, NOW)
    except InvalidInput as refused:
        assert refused.field == "q"
        assert refused.value in q
        assert refused.fix
        return
    assert "".join(q.split()) == "".join("".join(q[part.start : part.end].split()) for part in line.parts)


NEARLY = [
    "-",
    "status",
    "score.x",
    "attr.a.b",
    "latency",
    "cost",
    "since",
    ":",
    "<",
    ">=",
    "~",
    '"',
    " ",
    "2s",
    "*",
    "1",
]
ODD = st.sampled_from(NEARLY)


@given(st.lists(ODD, max_size=12).map("".join))
def test_what_nearly_is_a_condition_is_read_or_refused(q: str) -> None:
    try:
        assert isinstance(read_line(q, NOW).filter, dict)
    except InvalidInput as refused:
        assert refused.value in q
