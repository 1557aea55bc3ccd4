"""Plans are remembered by their keys; values never are, and what is remembered is bounded."""

from assay_server.core.records import Span
from assay_server.ingest.normalise.aliases import aliases
from assay_server.ingest.normalise.normaliser import Normaliser
from assay_server.ingest.normalise.plans import Plans


def span_of(attributes: dict[str, object], **fields: object) -> Span:
    return Span("prj_a", "t", "s", None, "call", "span", 1, 2, attributes=attributes, **fields)  # type: ignore[arg-type]


def test_the_same_keys_have_the_same_plan() -> None:
    plans = Plans(aliases())
    assert plans.of({"user.id": "ann"}) is plans.of({"user.id": "bob"})
    assert plans.of({"user.id": "ann"}) is not plans.of({"session.id": "s", "user.id": "ann"})


def test_long_and_many_keys_are_not_remembered() -> None:
    plans = Plans(aliases())
    for keys in ([f"k{n}" for n in range(65)], ["k" * 5000]):
        attributes = dict.fromkeys(keys, 1)
        assert plans.of(attributes) is not plans.of(attributes)
    for n in range(2000):
        plans.of({f"k{n}": 1})
    assert len(plans._known) <= 512


def test_values_of_another_span_do_not_stay() -> None:
    normaliser = Normaliser(aliases())
    first, second = span_of({"user.id": "ann", "input.value": "one"}), span_of({"user.id": "", "input.value": "two"})
    normaliser.fill_all([first, second])
    assert (first.user, first.input, second.user, second.input) == ("ann", "one", None, "two")


def test_the_spans_of_each_resource_get_its_service_and_environment() -> None:
    one = {"service.name": "shop", "deployment.environment": "production"}
    spans = [span_of({}, resource=one), span_of({}, resource={}), span_of({}, resource=one)]
    Normaliser(aliases()).fill_all(spans)
    assert [(span.service, span.environment) for span in spans] == [
        ("shop", "production"),
        (None, None),
        ("shop", "production"),
    ]


def test_a_span_says_more_about_its_environment_than_its_resource() -> None:
    resource = {"deployment.environment.name": "production"}
    span = span_of({"langfuse.environment": "staging"}, resource=resource)
    Normaliser(aliases()).fill(span)
    assert span.environment == "staging"


def test_a_real_number_is_one_however_its_client_sends_it() -> None:
    """Of two types under one name the store makes no column."""
    whole = {"gen_ai.request.temperature": 1, "gen_ai.request.max_tokens": 1, "gen_ai.usage.cost": 0, "ours": 2}
    odd = {"gen_ai.request.temperature": True, "gen_ai.request.top_p": "1", "gen_ai.request.top_k": 2**60}
    for fill in (Normaliser(aliases()).fill, Normaliser(aliases()).charge):
        spans = [span_of(dict(whole)), span_of(dict(odd)), span_of(dict(whole))]
        for span in spans:
            fill(span)
        assert [repr(span.attributes) for span in spans] == [
            repr({**whole, "gen_ai.request.temperature": 1.0, "gen_ai.usage.cost": 0.0}),
            repr(odd),
            repr({**whole, "gen_ai.request.temperature": 1.0, "gen_ai.usage.cost": 0.0}),
        ]


def test_what_an_event_says_comes_after_what_the_attributes_say() -> None:
    details = {
        "name": "gen_ai.client.inference.operation.details",
        "time_ns": 1,
        "attributes": {"gen_ai.input.messages": "from the event", "gen_ai.usage.cost": 0.25},
    }
    span = span_of({"input.value": "from the attributes"}, events=[details])
    Normaliser(aliases()).fill(span)
    assert (span.input, span.cost) == ("from the attributes", 0.25)
