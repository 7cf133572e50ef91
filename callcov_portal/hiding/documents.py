"""Documents of the API without what is sensitive in them. Any shape is taken; none raises."""

from collections.abc import Mapping, Sequence
from typing import Any

from callcov_portal.hiding.hider import HIDDEN, MARK, Hider

SENSITIVE = "sensitive_data"
# What an instance of sensitive data may say of itself; every other key may hold the data.
TELLING = {
    "type",
    "kind",
    "category",
    "title",
    "speaker",
    "severity",
    "timestamp",
    "start",
    "end",
    "time",
    "confidence",
}
# What the API says of the analysis itself, and people entered.
ABOUT = {"id", "analysis_id", "object", "created", "status", "call", "audio", "metadata", "progress"}


def hide_quote(hider: Hider, check_id: str, quote: str) -> str:
    """Return the quote of a finding; that of sensitive data is the data itself, whatever our rules think of it."""
    if check_id == SENSITIVE and quote and not MARK.search(quote):
        return HIDDEN
    return hider.hide(quote)


def hide_results(hider: Hider, results: Any) -> Any:
    """Return results without secrets; of instances of sensitive data only what they say of themselves is left."""
    hidden = hider.hide_all(results)
    compliance = hidden.get("compliance") if isinstance(hidden, dict) else None
    check = compliance.get(SENSITIVE) if isinstance(compliance, dict) else None
    if isinstance(check, dict) and isinstance(check.get("instances"), list):
        check["instances"] = [without_data(instance) for instance in check["instances"]]
    return hidden


def without_data(instance: Any) -> Any:
    """Return an instance of sensitive data without the data."""
    if isinstance(instance, dict):
        return {key: item if key in TELLING else without_data(item) for key, item in instance.items()}
    if isinstance(instance, list):
        return [without_data(item) for item in instance]
    is_masked = isinstance(instance, str) and MARK.search(instance)
    return instance if is_masked or instance is None or isinstance(instance, bool) else HIDDEN


def hide_document(hider: Hider, raw: Any, masked: Mapping[int, str]) -> Any:
    """Return the API's document without secrets; `masked` holds the masked texts of segments by their position.

    Where something is masked, the address of the original sound is hidden as well.
    """
    if not isinstance(raw, dict):
        return hider.hide_all(raw)
    hidden = {key: item if key in ABOUT else hider.hide_all(item) for key, item in raw.items()}
    hidden["results"] = hide_results(hider, raw.get("results"))
    if masked and isinstance(raw.get("audio"), dict):
        hidden["audio"] = {key: HIDDEN if key == "url" else item for key, item in raw["audio"].items()}
    transcript = raw.get("transcript")
    if isinstance(transcript, dict) and isinstance(transcript.get("segments"), list):
        hidden["transcript"] = {**hidden["transcript"], "segments": hide_segments(transcript["segments"], masked)}
    return {key: item for key, item in hidden.items() if key in raw}


def hide_segments(segments: Sequence[Any], masked: Mapping[int, str]) -> list[Any]:
    """Return the segments with their masked texts; the single words of a masked segment are left out."""
    found: list[Any] = []
    position = 0
    for segment in segments:
        if not isinstance(segment, dict):
            found.append(HIDDEN)
            continue
        if position in masked:
            plain = {key: item for key, item in segment.items() if key != "words"}
            found.append({**plain, "text": masked[position]})
        else:
            found.append(segment)
        position += 1
    return found
