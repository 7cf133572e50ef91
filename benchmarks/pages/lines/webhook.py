"""A webhook, and the refresh and apply that follow it, beside loading and saving the row that keeps the result."""

import json
from typing import Any

from benchmarks.pages.answering import Doing
from benchmarks.pages.values import MIDDLE, Line, Measure

NAME = "webhook"
PLAIN = Measure(MIDDLE, "get and save of the result")
LINES = (
    Line(
        "webhook: cheaper than ORM get and save of the result's row",
        Measure(MIDDLE, "webhook"),
        PLAIN,
        2,
        at_most=False,
    ),
    Line(
        "webhook, refresh and apply: to ORM get and save of the result's row",
        Measure(MIDDLE, "webhook and all"),
        PLAIN,
        3,
    ),
)
made: list[int] = []


class Deliveries:
    """Webhooks, each for a call of its own that the API has just finished; with `follow` the worker's part as well."""

    def __init__(self, template: int, *, follow: bool) -> None:
        from benchmarks.pages.asking import Browser
        from callcov_portal.wsgi import application

        self.template, self.follow = template, follow
        self.browser = Browser(application)
        self.waiting: list[tuple[Any, str, bytes]] = []

    def prepare(self, times: int) -> None:
        """Write down so many calls that the API works on; the minute's limit of requests has room."""
        from callcov_portal.actions import tokens
        from callcov_portal.models import Call

        Call.objects.all().delete()
        for _ in range(times):
            analysis = processing_call(self.template)
            address = f"/hooks/callcov/{tokens.make(analysis.pk, 1)}"
            self.waiting.append((analysis.pk, address, document_of(self.template, analysis)))

    def __call__(self) -> None:
        """Take one webhook."""
        from callcov_portal.actions import advancing, gateway
        from callcov_portal.models import Analysis

        pk, address, body = self.waiting.pop()
        self.browser.ask(address, method="POST", body=body)
        if self.follow:
            gateway.api = lambda: InMemory(body)  # type: ignore[assignment,return-value]
            if not advancing.advance(pk):
                raise RuntimeError(f"{pk} was not due.")
            if not Analysis.objects.filter(pk=pk, state="completed").exists():
                raise RuntimeError(f"{pk} was not completed.")


class InMemory:
    """The API's client with the answer at hand: reading it is ours, waiting for it is not."""

    last_rate = None

    def __init__(self, body: bytes) -> None:
        self.body = body

    def get(self, _id: str) -> Any:
        """Return the analysis."""
        from callcov_portal.client.documents import read_json
        from callcov_portal.client.parsing import parse_analysis

        return parse_analysis(read_json(self.body))


def processing_call(template: int) -> Any:
    """Write down a call like the template that the API works on, counted as it would be."""
    import uuid
    from datetime import timedelta

    from django.conf import settings
    from django.utils import timezone

    from callcov_portal.actions import tallying
    from callcov_portal.models import Analysis, Recording, State

    call = Recording.objects.get(pk=template)
    now = timezone.now()
    new = Recording.objects.create(
        agent=call.agent,
        contact=call.contact,
        called_at=now,
        link=call.link,
        duration_seconds=call.duration_seconds,
        is_demo=True,
    )
    made.append(new.pk)
    analysis = Analysis.objects.create(
        recording=new,
        state=State.PROCESSING,
        submissions=1,
        api_url=settings.CALLCOV_API_IDENTITY,
        external_id=str(uuid.uuid4()),
        sent_at=now,
        accepted_at=now,
        next_attempt_at=now + timedelta(minutes=4),
    )
    Recording.objects.filter(pk=new.pk).update(current_analysis=analysis, state=analysis.state)
    tallying.retally(new.pk)
    return analysis


def document_of(template: int, analysis: Any) -> bytes:
    """Return the API's document of a finished analysis: the template's words with their times, and its findings."""
    from callcov_portal import rules
    from callcov_portal.models import Finding, Segment
    from callcov_portal.rules.words import share_out

    letters = {"agent": "A", "contact": "B", "": None}
    source = {"analysis__recording": template}
    segments = [
        {
            "speaker": label, "text": text, "start": start, "end": end, "confidence": confidence,
            "words": [
                {"text": word, "start": round(begin, 2), "end": round(until, 2), "confidence": 0.91}
                for word, begin, until in share_out(text.split(), start, end)
            ],
        }
        for label, text, start, end, confidence in Segment.objects.filter(**source)
        .order_by("position").values_list("label", "text", "start", "end", "confidence")
    ]  # fmt: skip
    findings = [
        {
            "check": one.check_id, "rule": one.rule, "version": one.version, "title": one.title,
            "kind": "signal" if one.outcome == "heard" else "required", "severity": one.severity,
            "outcome": "met" if one.outcome == "heard" else one.outcome, "quote": one.quote,
            "speaker": letters[one.speaker], "start": one.start, "end": one.end, "confidence": one.confidence,
            "explanation": one.explanation, "also": one.also or [], "searched": one.searched,
        }
        for one in Finding.objects.filter(**source).order_by("position")
    ]  # fmt: skip
    results = {
        "rules": {"name": rules.builtin().name, "hash": rules.builtin().hash},
        "findings": findings,
        "quality": {"tone": {"contact": {"negative": 1, "positive": 0}}},
    }
    return json.dumps(
        {
            "id": analysis.external_id,
            "status": "completed",
            "call": {"duration_seconds": 240.0},
            "transcript": {"language": "en", "segments": segments},
            "results": results,
        }
    ).encode()


def get_and_save(template: int) -> Doing:
    """Return what a portal does that keeps the result in a row: parse, load the row, save it."""
    from callcov_portal.models import Analysis, Document

    analysis = Analysis.objects.get(recording=template)
    body = document_of(template, analysis)
    Document.objects.filter(pk=analysis.pk).update(raw=json.loads(body))

    def doing() -> None:
        document = Document.objects.get(pk=analysis.pk)
        document.raw = json.loads(body)
        document.save()

    return doing


def doings(place: str) -> dict[str, Doing]:
    """Return the webhook in its two forms, and what it is compared with."""
    if place != MIDDLE:
        return {}
    from django.db.models import Count

    from callcov_portal.celery import app
    from callcov_portal.models import Recording

    app.conf.update(broker_url="memory://", broker_transport_options={})
    calls = Recording.objects.filter(state="completed", is_demo=True, pk__lt=200).annotate(
        n=Count("current_analysis__segments")
    )
    template = calls.filter(n__gte=62).order_by("n", "pk")[0].pk  # of usual length
    return {
        "webhook": Deliveries(template, follow=False),
        "webhook and all": Deliveries(template, follow=True),
        PLAIN.name: get_and_save(template),
    }


def close() -> None:
    """Delete the calls that were made, so that the database is as it was."""
    from callcov_portal.actions import tallying
    from callcov_portal.models import Recording

    for number in made:
        tallying.forget(number)
        Recording.objects.filter(pk=number).update(current_analysis=None)
        Recording.objects.filter(pk=number).delete()
