"""Names: what is refused, why, and that what is suggested instead is accepted."""

from __future__ import annotations

import keyword
import sys

import pytest
from hypothesis import given, strategies as st

from resonate_scaffold.errors import InvalidName
from resonate_scaffold.names import MAX_LENGTH, Name, suggest


@pytest.mark.parametrize("text", ["myapi", "my-api", "my_api", "a", "a1", "api", "orders-2", "x" * MAX_LENGTH])
def test_accepts(text: str) -> None:
    assert str(Name.parse(text)) == text


def test_spellings() -> None:
    name = Name.parse("my-api_v2")
    assert (name.snake, name.kebab, name.pascal, name.env) == (
        "my_api_v2",
        "my-api-v2",
        "MyApiV2",
        "MY_API_V2",
    )


@pytest.mark.parametrize(
    ("text", "reason", "suggestion"),
    [
        ("", "not a name", "my-service"),
        ("My API!", "other than letters", "my-api"),
        ("MyAPI", "upper-case", "my-api"),
        ("HTTPServer", "upper-case", "http-server"),
        ("api/v2", "path", "api-v2"),
        ("..\\x", "path", "x"),
        ("..", "path", "my-service"),
        ("naïve", "other than ASCII", "naive"),
        ("日本", "other than ASCII", "my-service"),
        ("2fast", "digit", "service-2fast"),
        ("my--api", "two in a row", "my-api"),
        ("my-_api", "two in a row", "my-api"),
        ("my__api", "two in a row", "my_api"),
        ("-api", "at an end", "api"),
        ("api_", "at an end", "api"),
        ("x" * 41, "41 characters", "x" * 40),
        ("class", "keyword", "class-service"),
        ("match", "keyword", "match-service"),
        ("none", "keyword", "none-service"),
        ("json", "standard library", "json-service"),
        ("fastapi", "package", "fastapi-service"),
        ("pydantic-settings", "package", "pydantic-settings-service"),
        ("pydantic_settings", "package", "pydantic_settings-service"),
        ("tests", "directory", "tests-service"),
        ("con", "Windows", "con-service"),
        ("lpt9", "Windows", "lpt9-service"),
        ("a\nb", "other than letters", "a-b"),
    ],
)
def test_refuses(text: str, reason: str, suggestion: str) -> None:
    with pytest.raises(InvalidName) as caught:
        Name.parse(text)
    assert reason in caught.value.message
    assert "\n" not in caught.value.message
    assert caught.value.suggestion == suggestion
    assert suggestion in caught.value.hint


@given(st.one_of(st.text(max_size=60), st.from_regex(r"[a-zA-Z0-9_./ -]{0,60}")))
def test_any_text_is_a_name_or_gets_one(text: str) -> None:
    try:
        name = Name.parse(text)
    except InvalidName as error:
        assert Name.parse(error.suggestion).raw == error.suggestion
    else:
        assert name.snake.isidentifier()
        assert not keyword.iskeyword(name.snake)
        assert name.snake not in sys.stdlib_module_names
        assert len(name.raw) <= MAX_LENGTH


@pytest.mark.parametrize("word", sorted({*keyword.kwlist, *keyword.softkwlist, *sys.stdlib_module_names}))
def test_every_reserved_word_is_refused_and_gets_a_name(word: str) -> None:
    with pytest.raises(InvalidName):
        Name.parse(word)
    assert Name.parse(suggest(word))
