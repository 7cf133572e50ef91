"""The token in the webhook's address."""

import uuid

from hypothesis import given
from hypothesis import strategies as st

from callcov_portal.actions import tokens


def test_a_token_names_its_analysis_and_submission() -> None:
    pk = uuid.uuid4()
    assert tokens.read(tokens.make(pk, 7)) == (pk, 7)


@given(st.text())
def test_anything_else_names_nothing(text) -> None:
    assert tokens.read(text) is None


def test_a_token_survives_a_change_of_the_secret_key_by_the_fallback(settings) -> None:
    token = tokens.make(pk := uuid.uuid4(), 1)
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = "another"
    assert tokens.read(token) == (pk, 1)
    settings.SECRET_KEY_FALLBACKS = []
    assert tokens.read(token) is None


def test_the_address_starts_where_the_portal_can_be_reached(settings) -> None:
    settings.CALLCOV_HOOK_ORIGIN = "https://qa.example.com"
    assert tokens.webhook_url(uuid.uuid4(), 1).startswith("https://qa.example.com/hooks/callcov/")
