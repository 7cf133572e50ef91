"""Settings that make no sense, named before anything starts."""

import pytest

from callcov_portal.checks import settings_make_sense


def problems() -> list[str]:
    return [found.msg for found in settings_make_sense()]


def test_the_defaults_make_sense() -> None:
    assert problems() == []


def test_a_hosted_api_needs_a_key_and_should_be_able_to_reach_us(settings) -> None:
    settings.CALLCOV_EMBEDDED, settings.CALLCOV_API_KEY = False, ""
    key, public = problems()
    assert "CALLCOV_API_KEY is not: set the key" in key
    assert "results come by polling" in public


@pytest.mark.parametrize(
    ("setting", "value"),
    [("CALLCOV_FETCH_ALLOW", "http://"), ("CALLCOV_FETCH_ALLOW", "10.0.0.0/99"), ("CALLCOV_TRUSTED_PROXIES", "proxy")],
)
def test_a_network_that_cannot_be_read_is_named_with_its_setting(settings, setting, value) -> None:
    setattr(settings, setting, [value])
    (problem,) = problems()
    assert setting in problem
