"""One log line form for every process, and the one place that takes secrets out of it."""

import re
from typing import Any

import structlog
from structlog.typing import EventDict, WrappedLogger

# Strangers choose what stands in a line (the address of a page that is not there): no pattern may take the square of
# its length, so what can be long begins at one place only or has an end.
SECRETS = [
    (re.compile(r"sk_(live|test)_\w+"), r"sk_\1_…"),
    (re.compile(r"(?i)(bearer\s+|x-api-key['\"]?\s*[:=]\s*['\"]?)[^\s'\",;]+"), r"\1…"),
    (re.compile(r"(/hooks/callcov/[0-9a-f-]{36}\.\d+\.)[\w-]+"), r"\1…"),
    (re.compile(r"(https?://[^\s'\"?]{1,2000})\?[^\s'\"]+"), r"\1?…"),  # signed links carry their secret in the query
    (re.compile(r"(\b\w{1,20}://[^\s:/@]*:)[^\s@/]+@"), r"\1…@"),  # redis://:password@… has no name before it
    (
        re.compile(r"(Failing row contains \()[^\n]*"),
        r"\1…",
    ),  # PostgreSQL quotes the row that it refuses, words and all
    (re.compile(r"(<WSGIRequest: \w+ '[^'?]*)\?[^']*"), r"\1?…"),  # what people searched for is nobody's business
]


# Groups of digits in a row, and what looks like them and is none: the id of an analysis.
DIGITS = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}|(?<!\w)[0-9](?:[ -]?[0-9]){12,}(?!\w)")
CARD_LENGTHS = range(13, 20)


def redact(text: str) -> str:
    """Return `text` without API keys, webhook tokens, query strings of links, passwords in URLs and card numbers."""
    for pattern, replacement in SECRETS:
        text = pattern.sub(replacement, text)
    return DIGITS.sub(lambda found: without_cards(found[0]), text)


def without_cards(run: str) -> str:
    """Return groups of digits without those that make up the number of a card: 13 to 19 digits that pass Luhn."""
    if "-" in run and len(run) == 36:
        return run
    pieces = re.split(r"([ -])", run)  # groups, and what stands between them
    kept: list[str] = []
    at = 0
    while at < len(pieces):
        end = end_of_card(pieces, at) if at % 2 == 0 else None
        kept.append(pieces[at] if end is None else "…")
        at = (at if end is None else end) + 1
    return "".join(kept)


def end_of_card(pieces: list[str], first: int) -> int | None:
    """Return the number of the last group of a card number that begins with a group; None if none does.

    The two sums are those of an even and of an odd count of digits, of which every second, from the last, counts double.
    """
    count, sums = 0, [0, 0]
    for at in range(first, len(pieces), 2):
        if count + len(pieces[at]) > CARD_LENGTHS[-1]:
            return None
        for digit in map(int, pieces[at]):
            sums[count % 2] += (2 * digit) % 9 if digit < 9 else 9
            sums[1 - count % 2] += digit
            count += 1
        if count in CARD_LENGTHS and sums[count % 2] % 10 == 0:
            return at
    return None


def redact_fields(_logger: WrappedLogger, _name: str, event: EventDict) -> EventDict:
    """A structlog processor: every field of a log line, redacted; what is no number is written as text.

    Django's own lines carry the request as an object, whose text is its address with the token in it.
    """
    plain = (int, float, type(None))
    return {key: value if isinstance(value, plain) else redact(str(value)) for key, value in event.items()}


def logging_config(*, debug: bool) -> dict[str, Any]:
    """Return the `LOGGING` setting: one stream handler, key=value lines, secrets removed."""
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.ExtraAdder(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    last = [
        structlog.stdlib.ProcessorFormatter.remove_processors_meta,
        structlog.processors.format_exc_info,
        redact_fields,
        structlog.processors.LogfmtRenderer(key_order=["timestamp", "level", "logger", "event"], bool_as_flag=False),
    ]
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "line": {"()": structlog.stdlib.ProcessorFormatter, "foreign_pre_chain": shared, "processors": last}
        },
        "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
        "root": {"handlers": ["console"], "level": "DEBUG" if debug else "INFO"},
        "loggers": {
            "django.db.backends": {"level": "INFO"},
            "django": {"handlers": [], "level": "INFO"},
            "celery": {"level": "INFO"},
            # One line per ring every few seconds would bury the lines that matter.
            "celery.beat": {"level": "WARNING"},
            "celery.worker.strategy": {"level": "WARNING"},
            "celery.worker.request": {"level": "WARNING"},
            "celery.app.trace": {"level": "WARNING"},
            "kombu": {"level": "WARNING"},
            "kombu.connection": {"level": "ERROR"},  # the file transport has no host, and it says so each time
            "faster_whisper": {"level": "WARNING"},
        },
    }
