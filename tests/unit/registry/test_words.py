from assay_server.registry import word_diff


def spelled(parts: list[dict[str, str]], without: str) -> str:
    return "".join(part["text"] for part in parts if part["op"] != without)


def test_a_three_word_edit_is_three_words() -> None:
    parts = word_diff("Answer, or say so if you cannot.", "Answer, or if you cannot.")
    assert [part for part in parts if part["op"] != "equal"] in (
        [{"op": "delete", "text": "say so "}],
        [{"op": "delete", "text": " say so"}],
    )


def test_nothing_and_everything() -> None:
    assert word_diff("", "") == []
    assert word_diff("same", "same") == [{"op": "equal", "text": "same"}]
    assert word_diff("", "new") == [{"op": "insert", "text": "new"}]
    assert word_diff("old", "") == [{"op": "delete", "text": "old"}]


def test_long_texts_are_compared_line_by_line_and_still_spell_both() -> None:
    old = "".join(f"line {index} has words\n" for index in range(2000))
    new = old.replace("line 77 has", "line 77 had")
    parts = word_diff(old, new)
    assert (spelled(parts, "insert"), spelled(parts, "delete")) == (old, new)
    assert {"op": "delete", "text": "line 77 has words\n"} in parts
