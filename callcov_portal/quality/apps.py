"""The judgement app: what people say about the evidence."""

from django.apps import AppConfig


class QualityConfig(AppConfig):
    """Reviews; it knows evidence, and evidence never knows it."""

    name = "callcov_portal.quality"
    label = "quality"
    verbose_name = "Judgement"
