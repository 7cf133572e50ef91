#!/usr/bin/env python
"""Django's command line for callcov_portal."""

import os
import sys

from environs import EnvError


def main() -> None:
    """Run one management command; a setting that makes no sense ends with its name, not with a traceback."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "callcov_portal.settings")
    from django.core.management import execute_from_command_line

    try:
        execute_from_command_line(sys.argv)
    except EnvError as error:
        sys.exit(f"A setting cannot be used: {str(error).rstrip('.')}. See docs/configuration.md.")


if __name__ == "__main__":
    main()
