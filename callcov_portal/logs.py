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
    (re.compile(r"(<WSGIRequest: \w+ '[^'?]*)\?[^']*"), r"\1?…"),  # what people searched for is nobody's business
]


def redact(text: str) -> str:
    """Return `text` without API keys, webhook tokens, query strings of links and passwords in URLs."""
    for pattern, replacement in SECRETS:
        text = pattern.sub(replacement, text)
    return text


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
