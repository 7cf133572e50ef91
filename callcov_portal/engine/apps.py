"""The embedded engine: the CallCov API, served locally."""

from django.apps import AppConfig


class EngineConfig(AppConfig):
    """The guest: its own tables, port and key; it could move out with only a URL changed."""

    name = "callcov_portal.engine"
    label = "engine"
    verbose_name = "Embedded engine"

    def ready(self) -> None:
        """Have Django know the engine's system checks."""
        from callcov_portal.engine import startup  # noqa: F401, PLC0415 - settings must be there first
