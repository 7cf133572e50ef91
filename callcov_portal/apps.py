"""The evidence app: recordings, analyses, transcripts, findings, people, exports."""

from django.apps import AppConfig


class PortalConfig(AppConfig):
    """The project package is itself the app that owns the evidence."""

    name = "callcov_portal"
    label = "portal"
    verbose_name = "Evidence"

    def ready(self) -> None:
        from callcov_portal import checks  # noqa: F401  registers the system checks
