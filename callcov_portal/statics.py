"""Where style sheets and scripts are."""

from functools import cache

from whitenoise.storage import CompressedManifestStaticFilesStorage


class Statics(CompressedManifestStaticFilesStorage):  # type: ignore[misc]
    """Files with the hash of their content in their names: WhiteNoise's, but what a page asks a dozen times is kept."""

    @cache  # noqa: B019  there is one, and it lives as long as the process
    def url(self, name: str, force: bool = False) -> str:
        """Return the address of a file; the names do not change while the portal runs."""
        address: str = super().url(name, force)
        return address
