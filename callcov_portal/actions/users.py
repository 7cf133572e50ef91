"""What an administrator does with those who sign in. Every act is logged; none can leave the portal without one."""

import secrets
from datetime import timedelta

from axes.models import AccessAttempt
from axes.utils import reset as forget_attempts
from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.db.models import QuerySet, Sum
from django.utils import timezone

from callcov_portal.models import LogEntry, Role, User

# Without signs that look alike: a one-time password is read out over a telephone.
ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"
GROUPS, GROUP_LENGTH = 4, 4


class NotPossible(Exception):
    """The act would lock somebody out, or makes no sense for this user; says so in one sentence."""


def one_time_password() -> str:
    """Return a new random password of about 79 bits, in groups."""
    groups = ("".join(secrets.choice(ALPHABET) for _ in range(GROUP_LENGTH)) for _ in range(GROUPS))
    return "-".join(groups)


@transaction.atomic
def add(username: str, role: Role, by: User) -> tuple[User, str]:
    """Add a user and return the one-time password as well: it is kept nowhere, and must be changed at first sign-in.

    Raises `NotPossible` for a name that is taken, however it is spelt, or that cannot be one.
    """
    username = User.normalize_username(username)  # as the form for signing in does with what is typed there
    user = User(username=username, role=role, must_change_password=True)
    password = one_time_password()
    user.set_password(password)
    if User.objects.filter(username__iexact=username).exists():
        raise NotPossible(f"There is a user named {username} already.")
    try:
        user.clean_fields()
        with transaction.atomic():
            user.save()
    except ValidationError as error:
        raise NotPossible(" ".join(error.messages)) from error
    except IntegrityError as error:  # added by somebody else in this very moment
        raise NotPossible(f"There is a user named {username} already.") from error
    note(by, "user added", user, f"as {role.label.lower()}")
    return user, password


@transaction.atomic
def change_role(user: User, role: Role, by: User) -> None:
    """Give a user another role. The last active administrator stays one, and so does the one who asks."""
    user = locked(user, by)
    if user.role == role:
        return
    refuse_own(user, by, "change your own role")
    refuse_last_administrator(user)
    before = Role(user.role).label.lower()
    user.role = role
    user.save(update_fields=["role"])
    note(by, "role changed", user, f"{before} → {role.label.lower()}")


@transaction.atomic
def reset_password(user: User, by: User) -> str:
    """Give a user a new one-time password and return it. All their sessions end; a lock is lifted."""
    user = locked(user, by)
    refuse_own(user, by, "reset your own password: change it on its page")
    if not user.is_active:
        raise NotPossible(f"{user.username} is deactivated. Reactivating gives a new password.")
    password = give_password(user)
    forget_attempts(username=user.username)
    note(by, "password reset", user)
    return password


@transaction.atomic
def deactivate(user: User, by: User) -> None:
    """Let a user sign in no more. Their sessions end now and do not come back; what they did stays theirs."""
    user = locked(user, by)
    if not user.is_active:
        return
    refuse_own(user, by, "deactivate yourself")
    refuse_last_administrator(user)
    user.is_active = False
    user.set_unusable_password()
    user.save(update_fields=["is_active", "password"])
    note(by, "user deactivated", user)


@transaction.atomic
def reactivate(user: User, by: User) -> str:
    """Let a deactivated user sign in again, with the one-time password that is returned."""
    user = locked(user, by)
    if user.is_active:
        raise NotPossible(f"{user.username} is active already.")
    user.is_active = True
    password = give_password(user)
    forget_attempts(username=user.username)
    note(by, "user reactivated", user)
    return password


@transaction.atomic
def allow_unmasking(user: User, by: User) -> None:
    """Let a user see and hear sensitive data. Administrators may anyway."""
    user = locked(user, by)
    if user.can_unmask:
        return
    if not user.is_active:
        raise NotPossible(f"{user.username} is deactivated. Reactivate them first.")
    user.may_unmask = True
    user.save(update_fields=["may_unmask"])
    note(by, "unmasking allowed", user)


@transaction.atomic
def forbid_unmasking(user: User, by: User) -> None:
    """Take the right to see and hear sensitive data from a user."""
    user = locked(user, by)
    if not user.may_unmask:
        return
    user.may_unmask = False
    user.save(update_fields=["may_unmask"])
    note(by, "unmasking forbidden", user)


@transaction.atomic
def unlock(user: User, by: User) -> None:
    """Forget the wrong passwords that were tried under this name, from wherever."""
    forget_attempts(username=user.username)
    note(by, "user unlocked", user)


def locked_names() -> set[str]:
    """Return the names under which signing in is locked now, from at least one address."""
    since = timezone.now() - timedelta(hours=settings.AXES_COOLOFF_TIME)
    attempts = AccessAttempt.objects.filter(attempt_time__gte=since).order_by().values("username", "ip_address")
    failures = attempts.annotate(failures=Sum("failures_since_start"))
    return {row["username"] for row in failures.filter(failures__gte=settings.AXES_FAILURE_LIMIT)}


def locked(user: User, by: User) -> User:
    """Return the user as the database has it, with every active administrator locked against other writers.

    On PostgreSQL by row locks, taken in one order; on SQLite the IMMEDIATE transaction is the lock already.
    Raises `NotPossible` if who asks has lost the right in the meantime.
    """
    administrators = active_administrators().select_for_update().order_by("pk").values_list("pk", flat=True)
    if by.pk not in list(administrators):
        raise NotPossible("You are no administrator any more.")
    return User.objects.select_for_update().get(pk=user.pk)


def active_administrators() -> QuerySet[User]:
    """Return those who can manage users."""
    return User.objects.filter(role=Role.ADMINISTRATOR, is_active=True)


def refuse_own(user: User, by: User, what: str) -> None:
    """Raise `NotPossible` if somebody is about to lock themselves out."""
    if user.pk == by.pk:
        raise NotPossible(f"You cannot {what}. Another administrator can.")


def refuse_last_administrator(user: User) -> None:
    """Raise `NotPossible` if nobody could manage users without this one. Call it with `locked` rows."""
    if not active_administrators().exclude(pk=user.pk).exists():
        raise NotPossible(f"{user.username} is the last active administrator. Make somebody else one first.")


def give_password(user: User) -> str:
    """Write a new one-time password; a password that changes ends all sessions that it opened."""
    password = one_time_password()
    user.set_password(password)
    user.must_change_password = True
    user.save(update_fields=["password", "must_change_password", "is_active"])
    return password


def note(by: User, act: str, user: User, text: str = "") -> None:
    """Write one line of the log."""
    LogEntry.objects.create(user=by, act=act, text=f"{user.username} {text}".strip())
