"""Secrets that the program makes for itself, so that it runs with no configuration."""

import hashlib
import hmac
import os
import secrets
import tempfile
from pathlib import Path


def read_or_create_secret(path: Path) -> str:
    """Return the secret kept in `path`, making it (and its folder) at the first call.

    The file is readable by its owner only. Several processes may call this at once: the first one to
    link a complete file wins and all of them return the same secret.
    """
    try:
        return path.read_text().strip()
    except FileNotFoundError:
        pass
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile("w", dir=path.parent, prefix=".secret-", delete=False) as draft:
        draft.write(secrets.token_urlsafe(50))
        draft.flush()
        os.fsync(draft.fileno())
    try:
        os.link(draft.name, path)  # never replaces: a second process keeps the first one's secret
    except FileExistsError:
        pass
    finally:
        os.unlink(draft.name)
    return path.read_text().strip()


def derive(secret: str, purpose: str, length: int = 48) -> str:
    """Return `length` (at most 64) hexadecimal characters that only the holder of `secret` can compute for `purpose`."""
    return hmac.new(secret.encode(), purpose.encode(), hashlib.sha256).hexdigest()[:length]
