"""Markdown of what anybody may have written: shown as it is, and never obeyed."""

import pytest

from optunas.report.markdown import code, table, trial_link, trial_link_from_study


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("<script>alert(1)</script>", "`<script>alert(1)</script>`"),
        ("a | b", r"`a \| b`"),
        ("`**x**`", "`'**x**'`"),
        ("two\nlines\x1b[31m", "`two lines [31m`"),
        ("", ""),
        (None, "`None`"),
        ("x" * 500, f"`{'x' * 199}…`"),
    ],
)
def test_a_text_becomes_inline_code_of_one_line(text: object, shown: str) -> None:
    assert code(text) == shown


def test_a_table_and_links() -> None:
    assert table(("a", "b"), [("1", "2")], numbers=1) == "| a | b |\n| --- | ---: |\n| 1 | 2 |"
    assert trial_link(7) == "[trial 7](?numbers=7)"
    assert trial_link_from_study(7) == "[7](trials?numbers=7)"
