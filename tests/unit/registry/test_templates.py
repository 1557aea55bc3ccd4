import pytest

from assay_server.core.errors import InvalidInput, TooLarge
from assay_server.registry import render, variables_of


def test_system_then_messages_then_user_with_every_variable_filled_in() -> None:
    template = {
        "user": "{question}",
        "system": 'Be {tone}. JSON looks like {{"a": 1}}.',
        "messages": [{"role": "assistant", "content": "{tone}, {tone}"}],
    }
    assert variables_of(template) == ["tone", "question"]
    assert render(template, {"tone": "kind", "question": "{why}?"}) == [
        {"role": "system", "content": 'Be kind. JSON looks like {"a": 1}.'},
        {"role": "assistant", "content": "kind, kind"},
        {"role": "user", "content": "{why}?"},
    ]


@pytest.mark.parametrize(
    "text",
    ["{a.b}", "{a[0]}", "{a!r}", "{a:>10}", "{}", "{0}", "{ a }", "{a", "a}", "{{a}", "{a}}", "{a{b}}", "{é}", "{a\n}"],
)
def test_anything_but_a_plain_name_is_refused_with_its_place(text: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        variables_of({"system": f"one\ntwo {text}"})
    assert refused.value.field == "template.system"
    assert "Line 2" in refused.value.message
    assert "double" in str(refused.value.fix)


@pytest.mark.parametrize(
    ("template", "field"),
    [
        ({}, "template"),
        ({"system": None}, "template"),
        ({"system": 1}, "template.system"),
        ({"prompt": "x"}, "template.prompt"),
        ({"messages": "x"}, "template.messages"),
        ({"messages": [{"role": "user"}]}, "template.messages.0"),
        ({"messages": [{"role": "god", "content": "x"}]}, "template.messages.0.role"),
        ({"messages": [{"role": "user", "content": ["x"]}]}, "template.messages.0.content"),
    ],
)
def test_faulty_templates_name_the_field(template: dict[str, object], field: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        variables_of(template)
    assert refused.value.field == field


def test_a_template_has_an_end() -> None:
    with pytest.raises(TooLarge):
        variables_of({"system": "x" * 200_001})


def test_missing_and_unused_variables_are_named() -> None:
    with pytest.raises(InvalidInput, match="tone") as missing:
        render({"system": "{tone}"}, {})
    assert missing.value.field == "variables.tone"
    with pytest.raises(InvalidInput, match="colour"):
        render({"system": "{tone}"}, {"tone": "kind", "colour": "red"})


def test_a_value_is_never_read_as_a_template() -> None:
    assert render({"user": "{a}{b}"}, {"a": "{b}", "b": "}}{{"})[0]["content"] == "{b}}}{{"
