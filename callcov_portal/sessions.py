"""Who is signed in: sessions and accounts as Django keeps them, asked for by statements that are put together once."""

from copy import deepcopy
from datetime import datetime
from functools import lru_cache
from typing import Any

from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.auth.backends import ModelBackend
from django.contrib.sessions.backends import db
from django.contrib.sessions.models import Session
from django.utils import timezone
from django.utils.crypto import constant_time_compare

from callcov_portal.models import User
from callcov_portal.models.prepared import Prepared, PreparedModels, prepared, prepared_models

# Whoever signed in by Django's own way is signed in by ours, which asks for the same accounts.
OURS = {"django.contrib.auth.backends.ModelBackend": "callcov_portal.sessions.Accounts"}
WAYS = {*OURS, *OURS.values()}


class SessionStore(db.SessionStore):
    """A session in the database: Django's, but for how it is read."""

    def load(self) -> dict[str, Any]:
        """Return what the session holds; nothing, and it loses its key, where it is unknown or over."""
        named = "\0" not in (self.session_key or "")  # a character that PostgreSQL does not take
        for text, until in sessions_by_key().rows([self.session_key]) if named else ():
            if until > timezone.now():
                content = deepcopy(decoded(text))
                if (way := content.get(BACKEND_SESSION_KEY)) in OURS:
                    content[BACKEND_SESSION_KEY] = OURS[way]
                return content
        self._session_key = None
        return {}


@lru_cache(maxsize=1000)
def decoded(text: str) -> dict[str, Any]:
    """Return what is written in a session, nothing where it is not signed by us; of the same text always the same."""
    content: dict[str, Any] = SessionStore().decode(text)
    return content


@lru_cache(maxsize=10_000)
def whose(key: str) -> int:
    """Return the number of the user of a session, as it was when this was first asked: who believes it looks again.

    Raises `LookupError` where nobody is signed in by it.
    """
    [text] = [text for text, _until in sessions_by_key().rows([key])] or [""]
    return int(decoded(text)[SESSION_KEY])


def is_signed_in(user: User, text: str, until: datetime) -> bool:
    """Say whether a session, by what it holds and until when, is of this user as the account is now.

    It says what Django's `get_user` says, but no of a session that was sealed with a key from before: that is for Django.
    """
    content = decoded(text)
    return (
        until > timezone.now()
        and user.is_active
        and content.get(SESSION_KEY) == str(user.pk)
        and content.get(BACKEND_SESSION_KEY) in WAYS
        and constant_time_compare(content.get(HASH_SESSION_KEY, ""), user.get_session_auth_hash())
    )


class Accounts(ModelBackend):
    """Names with passwords: Django's, but for how it is asked who a session is of."""

    def get_user(self, user_id: int) -> User | None:
        """Return whose number it is; None where the account is gone or closed."""
        found = users_by_number().rows([user_id])
        return found[0] if found and self.user_can_authenticate(found[0]) else None


@lru_cache(maxsize=1)
def sessions_by_key() -> Prepared:
    """Return the query by which a session is found."""
    return prepared(Session.objects.filter(session_key="").values_list("session_data", "expire_date"))


@lru_cache(maxsize=1)
def users_by_number() -> PreparedModels[User]:
    """Return the query by which a user is found."""
    return prepared_models(User.objects.filter(pk=0).order_by())
