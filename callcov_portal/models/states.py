"""The states of an analysis: where it may stand, from where to where it may move, and what a person does about a failure."""

from django.db import models


class State(models.TextChoices):
    """Where an analysis stands."""

    QUEUED = "queued", "Waiting"
    SENDING = "sending", "Sending"
    PROCESSING = "processing", "Analysing"
    COMPLETED = "completed", "Done"
    FAILED = "failed", "Failed"
    CANCELLED = "cancelled", "Cancelled"


UNFINISHED = (State.QUEUED, State.SENDING, State.PROCESSING)


class Failure(models.TextChoices):
    """Why an analysis failed, so that failures group by cause."""

    REFUSED = "refused", "The API refused it"
    UNSURE = "unsure", "Cannot tell whether it arrived"
    ANALYSIS_FAILED = "analysis_failed", "The analysis failed"
    LOST = "lost", "The API does not know it any more"
    EXPIRED = "expired", "No news for too long"
    UNREACHABLE = "unreachable", "The link could not be fetched"
    BLOCKED = "blocked", "The link's address is not allowed"
    TOO_LARGE = "too_large", "Larger than allowed"
    NOT_AUDIO = "not_audio", "No audio in it"
    DUPLICATE = "duplicate", "The same recording is there already"
    GAVE_UP = "gave_up", "Given up after many tries"


class Urgency(models.IntegerChoices):
    """What is sent first: what a person waits for, before what may take the night."""

    PERSON = 0, "A person waits for it"
    BATCH = 1, "One of many"
    BULK = 2, "From a folder, a manifest or a command"


WHAT_TO_DO: dict[str, str] = {
    Failure.REFUSED: "Read the API's reason, correct the call's details, then analyse again.",
    Failure.UNSURE: "Look whether the API lists it. If not, press Send anyway; it may be billed twice.",
    Failure.ANALYSIS_FAILED: "Listen whether the recording is sound, then analyse again.",
    Failure.LOST: "Analyse again.",
    Failure.EXPIRED: "Look at the API's status, then analyse again. Late results are still taken.",
    Failure.UNREACHABLE: "Check that the link opens, then retry.",
    Failure.BLOCKED: "Links may name public hosts only. An administrator can allow an internal one (CALLCOV_FETCH_ALLOW).",
    Failure.TOO_LARGE: "Shorten the recording or raise CALLCOV_MAX_UPLOAD_MB.",
    Failure.NOT_AUDIO: "Open the link: what it brings is empty, damaged or of a kind that is not taken. Then analyse again.",
    Failure.DUPLICATE: "Nothing, if it is that call: nothing was sent. If it is another call, open it and press Keep both.",
    Failure.GAVE_UP: "See the last error, mend its cause, then retry.",
}

# Late news is never thrown away: these failures are left again when the API knows better.
REVIVABLE = (Failure.LOST, Failure.EXPIRED, Failure.UNSURE)
# Nothing was ever sent, so the same row may be tried again.
RETRYABLE = (Failure.UNREACHABLE, Failure.BLOCKED, Failure.GAVE_UP)
# Nor was of these, but only a person who looked at both calls sends them: Keep both.
KEEPABLE = (Failure.DUPLICATE,)

Standing = tuple[State, str]

# From → to. A failure code stands beside FAILED where it matters; "" means any or none.
TRANSITIONS: frozenset[tuple[Standing, Standing]] = frozenset(
    {
        ((State.QUEUED, ""), (State.QUEUED, "")),
        ((State.QUEUED, ""), (State.SENDING, "")),
        ((State.QUEUED, ""), (State.CANCELLED, "")),
        *(
            ((State.QUEUED, ""), (State.FAILED, code))
            for code in (
                Failure.UNREACHABLE,
                Failure.BLOCKED,
                Failure.TOO_LARGE,
                Failure.NOT_AUDIO,
                Failure.DUPLICATE,
                Failure.GAVE_UP,
            )
        ),
        ((State.SENDING, ""), (State.QUEUED, "")),
        ((State.SENDING, ""), (State.PROCESSING, "")),
        ((State.SENDING, ""), (State.COMPLETED, "")),
        ((State.SENDING, ""), (State.FAILED, Failure.REFUSED)),
        ((State.SENDING, ""), (State.FAILED, Failure.UNSURE)),
        ((State.SENDING, ""), (State.FAILED, Failure.ANALYSIS_FAILED)),
        ((State.PROCESSING, ""), (State.PROCESSING, "")),
        ((State.PROCESSING, ""), (State.COMPLETED, "")),
        *(
            ((State.PROCESSING, ""), (State.FAILED, code))
            for code in (Failure.ANALYSIS_FAILED, Failure.LOST, Failure.EXPIRED)
        ),
        *(((State.FAILED, code), (State.PROCESSING, "")) for code in REVIVABLE),
        *(((State.FAILED, code), (State.COMPLETED, "")) for code in REVIVABLE),
        *(((State.FAILED, code), (State.FAILED, Failure.ANALYSIS_FAILED)) for code in REVIVABLE),
        *(((State.FAILED, code), (State.QUEUED, "")) for code in (*RETRYABLE, *KEEPABLE)),
    }
)


def sources_of(state: str, failure: str = "") -> str:
    """Return the condition in SQL of the rows that may move to `state` (with `failure`, if it is FAILED)."""
    sources = sorted(source for source, to in TRANSITIONS if to == (state, failure))
    either = [
        f"state = '{State(one)}'" + (f" AND failure = '{Failure(code)}'" if code else "") for one, code in sources
    ]
    return " OR ".join(either) or "1 = 0"
