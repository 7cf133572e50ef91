"""Results of any shape, shown."""

from callcov_portal.reading.generic import Entry, walk


def test_keys_are_titled_and_values_put_in_words() -> None:
    entries = walk({"talk_ratio": 0.5, "hold": None, "proper": True, "late": False, "n": 3, "note": "fine"})
    assert [(entry.label, entry.value) for entry in entries] == [
        ("Talk ratio", "0.5"),
        ("Hold", "not known"),
        ("Proper", "yes"),
        ("Late", "no"),
        ("N", "3"),
        ("Note", "fine"),
    ]


def test_objects_and_lists_have_children_and_point_at_their_second() -> None:
    (entry,) = walk({"interruptions": [{"timestamp": 4.5, "flagged": True}]})
    assert entry.children[0] == Entry("1", "", 4.5, True, [Entry("Timestamp", "4.5"), Entry("Flagged", "yes")])


def test_empty_objects_say_none() -> None:
    assert [entry.value for entry in walk({"a": {}, "b": []})] == ["none", "none"]


def test_a_plain_value_has_no_label() -> None:
    assert walk("A summary.") == [Entry("", "A summary.")]


def test_very_deep_results_end_as_text() -> None:
    value: object = "end"
    for _ in range(30):
        value = {"a": value}
    entry, depth = walk(value)[0], 0
    while entry.children:
        entry, depth = entry.children[0], depth + 1
    assert depth < 10
    assert "end" in entry.value
