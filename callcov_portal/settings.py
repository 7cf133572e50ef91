"""All settings, from the environment. docs/configuration.md says what each variable means.

One module serves both roles: the portal, and the embedded engine (`CALLCOV_ROLE=engine`, set by
`callcov_portal.engine.wsgi` and by `serve`), which differ in URLconf, middleware and queue alone.
"""

from pathlib import Path
from urllib.parse import urlsplit

from csp.constants import NONCE, NONE, SELF
from environs import validate

from callcov_portal import broker, environment
from callcov_portal.environment import a_port, an_address_or_empty, at_least_one, env
from callcov_portal.keys import derive
from callcov_portal.logs import logging_config

BASE_DIR = Path(__file__).resolve().parent.parent

# --- Who we are -------------------------------------------------------------------------------------------------
CALLCOV_ROLE = env.str("CALLCOV_ROLE", "portal", validate=validate.OneOf(["portal", "engine"]))
CALLCOV_DATA_DIR = Path(env.str("CALLCOV_DATA_DIR", "") or BASE_DIR / "var").resolve()
CALLCOV_BIND = env.str("CALLCOV_BIND", "127.0.0.1")
CALLCOV_PORT = env.int("CALLCOV_PORT", 8000, validate=a_port)
CALLCOV_ENGINE_PORT = env.int("CALLCOV_ENGINE_PORT", 8001, validate=a_port)
CALLCOV_PUBLIC_URL = env.str("CALLCOV_PUBLIC_URL", "", validate=an_address_or_empty).rstrip("/")
CALLCOV_ADMIN_USER = env.str("CALLCOV_ADMIN_USER", "admin")
CALLCOV_ADMIN_PASSWORD = env.str("CALLCOV_ADMIN_PASSWORD", "")
DEBUG = env.bool("CALLCOV_DEBUG", False)
SECRET_KEY = env.str("CALLCOV_SECRET_KEY", "") or environment.kept_secret(CALLCOV_DATA_DIR)

# --- The API we talk to: the embedded engine, unless CALLCOV_API_URL names another ---------------------------------
API_URL = env.str("CALLCOV_API_URL", "", validate=an_address_or_empty).rstrip("/")
CALLCOV_EMBEDDED = not API_URL
CALLCOV_ENGINE_KEY = f"sk_live_{derive(SECRET_KEY, 'engine key')}"
CALLCOV_API_URL = API_URL or f"http://127.0.0.1:{CALLCOV_ENGINE_PORT}/api/v1"
# What an analysis was sent to, so that nobody asks another API about it; the embedded engine may change its port.
CALLCOV_API_IDENTITY = API_URL or "the embedded engine"
CALLCOV_API_KEY = env.str("CALLCOV_API_KEY", "") or (CALLCOV_ENGINE_KEY if CALLCOV_EMBEDDED else "")
CALLCOV_API_REQUESTS_PER_MINUTE = env.int("CALLCOV_API_REQUESTS_PER_MINUTE", 100, validate=at_least_one)
CALLCOV_API_SUBMISSIONS_PER_MINUTE = env.int("CALLCOV_API_SUBMISSIONS_PER_MINUTE", 20, validate=at_least_one)
# A rule set goes along only to an engine of ours: another API is sent no field that it does not document.
CALLCOV_API_TAKES_RULES = CALLCOV_EMBEDDED or env.bool("CALLCOV_API_TAKES_RULES", False)
CALLCOV_ANALYSIS_TIMEOUT = env.int("CALLCOV_ANALYSIS_TIMEOUT", 72, validate=at_least_one)  # hours
# The embedded engine is on this machine and reaches the portal without a detour over name servers and proxies.
OWN_ADDRESS = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(CALLCOV_BIND, CALLCOV_BIND)  # noqa: S104
CALLCOV_HOOK_ORIGIN = (not CALLCOV_EMBEDDED and CALLCOV_PUBLIC_URL) or f"http://{OWN_ADDRESS}:{CALLCOV_PORT}"

# --- Recordings ---------------------------------------------------------------------------------------------------
CALLCOV_MAX_UPLOAD_MB = env.int("CALLCOV_MAX_UPLOAD_MB", 500, validate=at_least_one)
CALLCOV_COMPARE_SOUND = env.bool("CALLCOV_COMPARE_SOUND", True)
CALLCOV_FETCH_ALLOW: list[str] = env.list("CALLCOV_FETCH_ALLOW", [])
CALLCOV_AUDIO_ACCEL = env.str("CALLCOV_AUDIO_ACCEL", "", validate=validate.Regexp(r"^(/.*/)?$", error="No path: /a/"))
CALLCOV_WATCH_FOLDER = env.str("CALLCOV_WATCH_FOLDER", "")
CALLCOV_WATCH_SECONDS = env.int("CALLCOV_WATCH_SECONDS", 5, validate=at_least_one)
CALLCOV_EXPORT_KEEP_DAYS = env.int("CALLCOV_EXPORT_KEEP_DAYS", 14, validate=at_least_one)

# --- Where recordings are kept: a folder, unless CALLCOV_STORAGE_BUCKET names a bucket of S3 or of what speaks like it ---
CALLCOV_STORAGE_BUCKET = env.str("CALLCOV_STORAGE_BUCKET", "", validate=environment.a_bucket)
CALLCOV_STORAGE_ENDPOINT = env.str("CALLCOV_STORAGE_ENDPOINT", "", validate=an_address_or_empty).rstrip("/")
CALLCOV_STORAGE_REGION = env.str("CALLCOV_STORAGE_REGION", "")
CALLCOV_STORAGE_KEY = env.str("CALLCOV_STORAGE_KEY", "")
CALLCOV_STORAGE_SECRET = env.str("CALLCOV_STORAGE_SECRET", "")
CALLCOV_STORAGE_PREFIX = env.str("CALLCOV_STORAGE_PREFIX", "", validate=environment.a_prefix).strip("/")

# --- The embedded engine ------------------------------------------------------------------------------------------
CALLCOV_ENGINE_MODEL = env.str("CALLCOV_ENGINE_MODEL", "base")
CALLCOV_ENGINE_AGENT_CHANNEL = env.str(
    "CALLCOV_ENGINE_AGENT_CHANNEL", "left", validate=validate.OneOf(["left", "right"])
)
CALLCOV_ENGINE_WORKERS = env.int("CALLCOV_ENGINE_WORKERS", 1, validate=at_least_one)
CALLCOV_ENGINE_REQUESTS_PER_MINUTE = env.int("CALLCOV_ENGINE_REQUESTS_PER_MINUTE", 100, validate=at_least_one)
CALLCOV_ENGINE_SUBMISSIONS_PER_MINUTE = env.int("CALLCOV_ENGINE_SUBMISSIONS_PER_MINUTE", 20, validate=at_least_one)
CALLCOV_ENGINE_KEEP_AUDIO_HOURS = env.int("CALLCOV_ENGINE_KEEP_AUDIO_HOURS", 24, validate=at_least_one)

# --- Django -------------------------------------------------------------------------------------------------------
INSTALLED_APPS = [
    "callcov_portal.apps.PortalConfig",
    "callcov_portal.quality.apps.QualityConfig",
    "callcov_portal.engine.apps.EngineConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.humanize",
    "django.contrib.staticfiles",
    "django_htmx",
    "axes",
    "csp",
]
AUTH_USER_MODEL = "portal.User"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

PORTAL_MIDDLEWARE = [
    "callcov_portal.middleware.body_limit",
    "callcov_portal.views.webhooks.straight_to_hooks",
    "django.middleware.security.SecurityMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "csp.middleware.CSPMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "callcov_portal.middleware.htmx_redirects",
    "callcov_portal.views.errors.no_dead_ends",
    # Login before CSRF: the CSRF check reads the body, and nobody uploads before signing in.
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.auth.middleware.LoginRequiredMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "callcov_portal.middleware.password_change_first",
    "axes.middleware.AxesMiddleware",
]
ENGINE_MIDDLEWARE = [
    "callcov_portal.engine.gate.gate",
    "callcov_portal.middleware.body_limit",
    "django.middleware.security.SecurityMiddleware",
]
MIDDLEWARE = ENGINE_MIDDLEWARE if CALLCOV_ROLE == "engine" else PORTAL_MIDDLEWARE
ROOT_URLCONF = "callcov_portal.engine.urls" if CALLCOV_ROLE == "engine" else "callcov_portal.urls"
WSGI_APPLICATION = "callcov_portal.wsgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "builtins": ["callcov_portal.templatetags.addresses"],
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "callcov_portal.views.rendering.everywhere",
            ],
        },
    }
]

FORM_RENDERER = "callcov_portal.widgets.Renderer"

# --- Database -----------------------------------------------------------------------------------------------------
DATABASES = {"default": environment.database(CALLCOV_DATA_DIR)}

# --- Sign-in ------------------------------------------------------------------------------------------------------
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "home"
LOGOUT_REDIRECT_URL = "login"
AUTHENTICATION_BACKENDS = ["axes.backends.AxesStandaloneBackend", "callcov_portal.sessions.Accounts"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
AXES_FAILURE_LIMIT = 5
AXES_COOLOFF_TIME = 0.25  # hours
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_LOCKOUT_TEMPLATE = "registration/locked.html"
AXES_RESET_ON_SUCCESS = True
AXES_DISABLE_ACCESS_LOG = True
AXES_VERBOSE = False
AXES_CLIENT_IP_CALLABLE = "callcov_portal.middleware.client_address"
SESSION_ENGINE = "callcov_portal.sessions"
SESSION_COOKIE_AGE = 12 * 3600
SESSION_SAVE_EVERY_REQUEST = False
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_SAMESITE = "Lax"
CSRF_FAILURE_VIEW = "callcov_portal.views.errors.csrf_failure"

# --- The wire: hosts, proxies, https ------------------------------------------------------------------------------
ALLOWED_HOSTS = [
    "127.0.0.1",
    "localhost",
    "[::1]",
    OWN_ADDRESS,
    *env.list("CALLCOV_ALLOWED_HOSTS", []),
    *([host] if (host := urlsplit(CALLCOV_PUBLIC_URL).hostname) else []),
]
CALLCOV_TRUSTED_PROXIES: list[str] = env.list("CALLCOV_TRUSTED_PROXIES", [])
HTTPS = CALLCOV_PUBLIC_URL.startswith("https://") and CALLCOV_ROLE == "portal"
if CALLCOV_PUBLIC_URL:
    CSRF_TRUSTED_ORIGINS = ["{0.scheme}://{0.netloc}".format(urlsplit(CALLCOV_PUBLIC_URL))]
if HTTPS:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    SECURE_SSL_REDIRECT = True
    SECURE_REDIRECT_EXEMPT = [r"^hooks/", r"^health$"]
    SECURE_HSTS_SECONDS = 365 * 24 * 3600
    SECURE_HSTS_INCLUDE_SUBDOMAINS = True
    SECURE_HSTS_PRELOAD = True
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF, NONCE],  # the nonce is there where a page asks for one
        "img-src": [SELF, "data:"],
        "media-src": [SELF, "blob:"],
        "connect-src": [SELF],
        "font-src": [SELF],
        "form-action": [SELF],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
    }
}

# --- Files --------------------------------------------------------------------------------------------------------
STATIC_URL = "static/"
# What the Makefile and the Dockerfile take out of npm packages; a page goes without what is not there.
VENDOR = BASE_DIR / "vendor"
STATICFILES_DIRS = [BASE_DIR / "static", *([("vendor", VENDOR)] if VENDOR.is_dir() else [])]
STATIC_ROOT = CALLCOV_DATA_DIR / "static"
FOLDER = {
    "BACKEND": "django.core.files.storage.FileSystemStorage",
    "OPTIONS": {"location": CALLCOV_DATA_DIR / "recordings"},
}
BUCKET = environment.bucket(
    CALLCOV_STORAGE_BUCKET,
    endpoint=CALLCOV_STORAGE_ENDPOINT,
    region=CALLCOV_STORAGE_REGION,
    key=CALLCOV_STORAGE_KEY,
    secret=CALLCOV_STORAGE_SECRET,
    prefix=CALLCOV_STORAGE_PREFIX,
)
STORAGES = {
    "default": BUCKET if CALLCOV_STORAGE_BUCKET else FOLDER,
    "staticfiles": {"BACKEND": "callcov_portal.statics.Statics"},
}
FILE_UPLOAD_HANDLERS = ["callcov_portal.uploads.HashingUploadHandler"]
FILE_UPLOAD_PERMISSIONS = 0o600
DATA_UPLOAD_MAX_NUMBER_FILES = 1000
DATA_UPLOAD_MAX_MEMORY_SIZE = 8 * 1024 * 1024  # a webhook; middleware.body_limit allows less elsewhere

# --- Language, time, logs ------------------------------------------------------------------------------------------
LANGUAGE_CODE = "en"
USE_I18N = False  # there is one language, so nobody has to ask for each text which it is
USE_TZ = True
TIME_ZONE = env.str("CALLCOV_TIME_ZONE", "UTC", validate=environment.a_time_zone)
FORMAT_MODULE_PATH = ["callcov_portal.formats"]
LOGGING = logging_config(debug=DEBUG)
LOGGING_CONFIG = "logging.config.dictConfig"

# --- Celery: the doorbell (the database is the queue) ----------------------------------------------------------------
CELERY_BROKER_URL = env.str("CALLCOV_BROKER_URL", "", validate=environment.a_broker) or "filesystem://"
CELERY_BROKER_TRANSPORT_OPTIONS = broker.transport_options(CELERY_BROKER_URL, CALLCOV_DATA_DIR / "bell")
CELERY_TASK_DEFAULT_QUEUE = CALLCOV_ROLE
if CELERY_BROKER_URL.startswith("amqp"):
    CELERY_TASK_DEFAULT_QUEUE_TYPE = CELERY_TASK_CREATE_MISSING_QUEUE_TYPE = "quorum"
CELERY_TASK_ROUTES = {
    "callcov_portal.engine.*": {"queue": "engine"},
    "callcov_portal.tasks.*": {"queue": "portal"},
}
