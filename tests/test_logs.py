"""Log lines: one form, and no secret in them."""

import io
import logging
import logging.config
import time

import pytest
import structlog

from callcov_portal.logs import logging_config, redact, redact_fields

TOKEN = "0b2e9c1c-0000-4000-8000-c0ffee000000.1.Zm9vYmFyYmF6"


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        ("key sk_live_abc123DEF refused", "abc123DEF"),
        ("key sk_test_abc123DEF refused", "abc123DEF"),
        ("Authorization: Bearer eyJhbGciOi.x.y", "eyJhbGciOi"),
        ("authorization: bearer eyJhbGciOi.x.y", "eyJhbGciOi"),
        ("{'X-API-Key': 'topsecret'}", "topsecret"),
        ('{"x-api-key": "topsecret"}', "topsecret"),
        ("x-api-key=topsecret;", "topsecret"),
        (f"POST /hooks/callcov/{TOKEN} 200", "Zm9vYmFyYmF6"),
        ("fetching https://files.example/call.wav?X-Amz-Signature=deadbeef&x=1 now", "deadbeef"),
        ("postgres://callcov:topsecret@db:5432/callcov", "topsecret"),
        ("amqp://user:topsecret@mq//", "topsecret"),
        ("redis://:topsecret@redis:6379/0", "topsecret"),
        ("DETAIL:  Failing row contains (7, It is swordfish (really), 3.5).", "swordfish"),
        ("the card is 4111111111111111, she said", "4111111111111111"),
        ("the card is 4111 1111 1111 1111, she said", "1111 1111"),
        ("quote='4111-1111-1111-1111'", "1111-1111"),
        ("3782 822463 10005", "822463"),
        ("call 12 of 30 4222222222222 and so on", "4222222222222"),
        ("6011000990139424 4111111111111111", "4111"),
        ("1 2 3 4111 1111 1111 1111 4 5 6", "1111"),
    ],
)
def test_a_secret_is_taken_out(text, secret):
    assert secret in text
    assert secret not in redact(text)
    assert "…" in redact(text)


@pytest.mark.parametrize(
    "text",
    [
        "analysis 0b2e9c1c-0000-4000-8000-c0ffee000000 completed in 3.2 s",
        "GET https://files.example/call.wav 200",
        "agent_john_doe, customer_12345",
        "4111111111111112 passes no check",
        "at 2026-03-02 12:00:00.123456 for 1748899200 s",
        "12345678-1234-4123-8123-123456789012 completed",
        "c0ffee4111111111111111 is a hash",
        "4111111111111111c0ffee is another",
        "411111111111111100004444 is too long",
        "0049 30 1234567, call 17",
    ],
)
def test_what_is_no_secret_stays(text):
    assert redact(text) == text


@pytest.mark.parametrize(
    "text",
    [
        "a" * 100_000,
        "http://" * 14_000,
        "a://" * 25_000,
        "bearer" + " " * 100_000,
        "x://y:" * 16_000,
        "1" * 100_000,
        "1 " * 50_000,
        "1-" * 50_000,
        "1" * 99_999 + "x",
        "4111111111111111 " * 6_000,
        "0000-" * 20_000,
    ],
)
def test_a_hostile_address_does_not_hold_up_the_log(text):
    started = time.thread_time()
    redact(text)
    assert time.thread_time() - started < 3


def test_numbers_stay_numbers():
    event = {"event": "sent sk_live_abc123", "count": 3, "nothing": None, "is_so": True}
    expected = {"event": "sent sk_live_…", "count": 3, "nothing": None, "is_so": True}
    assert redact_fields(None, "info", event) == expected


@pytest.fixture
def lines():
    """A logger set up as the program's are, writing into text."""
    config = logging_config(debug=False)
    stream = io.StringIO()
    formatter = logging.config.DictConfigurator(config).configure_formatter(config["formatters"]["line"])
    handler = logging.StreamHandler(stream)
    handler.setFormatter(formatter)
    logger = logging.getLogger("callcov_portal.test_logs")
    logger.addHandler(handler)
    logger.propagate = False
    logger.setLevel("INFO")
    yield stream
    logger.removeHandler(handler)
    logger.propagate = True


def test_a_line_has_time_level_logger_event_and_fields_in_this_order(lines):
    structlog.get_logger("callcov_portal.test_logs").info("submitted", analysis="a1", status=201)
    words = lines.getvalue().split()
    assert [word.partition("=")[0] for word in words] == ["timestamp", "level", "logger", "event", "analysis", "status"]
    assert "level=info logger=callcov_portal.test_logs event=submitted" in lines.getvalue()


def test_secrets_are_taken_out_of_fields_and_tracebacks_too(lines):
    log = structlog.get_logger("callcov_portal.test_logs")

    def fetch():
        raise ValueError("cannot reach https://user:topsecret@files.example/a.wav?sig=deadbeef")

    try:
        fetch()
    except ValueError:
        log.exception("fetch_failed", link="https://files.example/a.wav?sig=deadbeef")
    logging.getLogger("callcov_portal.test_logs").warning("plain %s", "sk_live_abc123")
    assert lines.getvalue().count("\n") == 2
    for secret in ("topsecret", "deadbeef", "abc123"):
        assert secret not in lines.getvalue()


def test_a_request_in_a_line_tells_neither_its_token_nor_what_was_searched_for(lines, rf):
    for path in (f"/hooks/callcov/{TOKEN}", "/calls/?text=Nora+Quist"):
        request = rf.post(path)
        logging.getLogger("callcov_portal.test_logs").error("Failed: %s", request.path, extra={"request": request})
    assert "POST '/hooks/callcov/" in lines.getvalue()
    assert "POST '/calls/?…'" in lines.getvalue()
    for secret in ("Zm9vYmFyYmF6", "Nora"):
        assert secret not in lines.getvalue()


def test_debugging_is_asked_for():
    assert logging_config(debug=True)["root"]["level"] == "DEBUG"
    assert logging_config(debug=False)["root"]["level"] == "INFO"
