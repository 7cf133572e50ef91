"""System checks: what the engine could not start to work with."""

from typing import Any

from django.conf import settings
from django.core import checks

from callcov_portal.engine.speech.transcript import ModelUnusable
from callcov_portal.engine.speech.weights import check_model


@checks.register()
def model_is_there(**_kwargs: Any) -> list[checks.CheckMessage]:
    """Name what is missing in the folder or the packages that CALLCOV_ENGINE_MODEL names; nothing is loaded."""
    model = settings.CALLCOV_ENGINE_MODEL
    if not settings.CALLCOV_EMBEDDED or model.partition(":")[0] == "scripted":
        return []
    try:
        check_model(model, settings.CALLCOV_DATA_DIR)
    except ModelUnusable as trouble:
        return [checks.Error(str(trouble), id="engine.E001")]
    return []
