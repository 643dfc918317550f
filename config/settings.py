"""Settings, read from the environment and `.env`; `.env.example` explains every variable.

Two modes: `embedded` (default: SQLite, our own Redis-protocol server, a key made on first start) and
`production` (refuses to start half configured).
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import dj_database_url
from django.core.exceptions import ImproperlyConfigured

from config import confinement, env, keys, logs, policies, redis_url

BASE_DIR = env.BASE_DIR
CUTROOM_MODE = env.text("CUTROOM_MODE", "embedded", choices=("embedded", "production"))
PRODUCTION = CUTROOM_MODE == "production"

VAR_DIR = env.path("VAR_DIR", BASE_DIR / "var")
MEDIA_ROOT = env.path("MEDIA_ROOT", BASE_DIR / "media")
INCOMING_DIR = MEDIA_ROOT / "incoming"
for _directory in (VAR_DIR, INCOMING_DIR):
    _directory.mkdir(mode=0o700, parents=True, exist_ok=True)

# --- Security ---------------------------------------------------------------------------------

DEBUG = env.boolean("DEBUG", False)
HOST = env.text("HOST", "127.0.0.1")
PORT = env.integer("PORT", 8000, low=1, high=65535)
_key = env.text("SECRET_KEY")
ALLOWED_HOSTS = env.listing("ALLOWED_HOSTS")
if PRODUCTION:
    SECRET_KEY = keys.given_key(_key)
    if DEBUG:
        raise ImproperlyConfigured("DEBUG is on, and the production mode never shows its insides; unset DEBUG.")
    if not ALLOWED_HOSTS or any(host in ("*", "") for host in ALLOWED_HOSTS):
        raise ImproperlyConfigured("ALLOWED_HOSTS is not set or allows every host; name the hosts that this site answers to, between commas.")
else:
    SECRET_KEY = _key or keys.kept_key(VAR_DIR / "secret_key")
    ALLOWED_HOSTS = ALLOWED_HOSTS or ["localhost", "127.0.0.1", "[::1]", *([HOST] if HOST not in ("0.0.0.0", "::", "") else ["*"])]  # noqa: S104
SECRET_KEY_FALLBACKS = env.listing("SECRET_KEY_FALLBACKS")

HTTPS = env.boolean("HTTPS", PRODUCTION)
CORS_ALLOWED_ORIGINS = env.origins("CORS_ORIGINS")
CORS_URLS_REGEX = r"^/api/"
CORS_ALLOW_HEADERS = policies.CORS_ALLOW_HEADERS
CORS_EXPOSE_HEADERS = policies.CORS_EXPOSE_HEADERS
CSRF_TRUSTED_ORIGINS = env.listing("CSRF_TRUSTED_ORIGINS")
TRUSTED_PROXIES = env.proxies("TRUSTED_PROXIES")
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if TRUSTED_PROXIES else None
SECURE_SSL_REDIRECT = HTTPS
SECURE_REDIRECT_EXEMPT = [r"^health/"]  # a container's own health check speaks plain HTTP
SECURE_HSTS_SECONDS = env.integer("SECURE_HSTS_SECONDS", 31_536_000 if HTTPS else 0)
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = HTTPS
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = policies.CONTENT_SECURITY_POLICY
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
AUTHENTICATION_BACKENDS = ["converter.owners.lockout.LockoutBackend", "django.contrib.auth.backends.ModelBackend"]
LOGIN_URL = "sign-in"
LOGIN_REDIRECT_URL = "account"
ADMIN_TOTP = env.text("ADMIN_TOTP", "own", choices=("own", "required"))
OTP_TOTP_ISSUER = "Cutroom"
AXES_FAILURE_LIMIT = env.integer("LOCKOUT_FAILURES", 8, low=1)
AXES_COOLOFF_TIME = timedelta(seconds=env.integer("LOCKOUT_SECONDS", 900, low=1))
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]  # a name alone would let anybody lock anybody out
AXES_RESET_ON_SUCCESS = AXES_DISABLE_ACCESS_LOG = True  # the audit trail is the log
AXES_VERBOSE = False
AXES_CLIENT_IP_CALLABLE = "converter.owners.lockout.address"
AXES_USERNAME_CALLABLE = "converter.owners.lockout.username"
AXES_CLIENT_STR_CALLABLE = "converter.owners.lockout.shown"
AXES_LOCKOUT_CALLABLE = "converter.owners.lockout.refused"
SIMPLE_JWT = {
    "ACCESS_TOKEN_LIFETIME": timedelta(seconds=env.integer("ACCESS_TOKEN_SECONDS", 300, low=1, high=3600)),
    "REFRESH_TOKEN_LIFETIME": timedelta(days=env.integer("REFRESH_TOKEN_DAYS", 14, low=1, high=366)),
    "ALGORITHM": "HS256",
    "SIGNING_KEY": keys.derived_key(SECRET_KEY, "tokens"),
}
CSRF_FAILURE_VIEW = "converter.problems.csrf_failure"

# --- Applications -----------------------------------------------------------------------------

INSTALLED_APPS = [
    "config.admin.CutroomAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "axes",
    "corsheaders",
    "csp",
    "django_filters",
    "django_htmx",
    "django_otp",
    "django_otp.plugins.otp_totp",
    "django_ratelimit",
    "rest_framework",
    "rest_framework_simplejwt.token_blacklist",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "config",
    "converter",
    "converter.audit",
    "converter.owners",
    "converter.runtime",
    "converter.estimates",
    "converter.uploads",
    "converter.jobs",
    "converter.exports",
    "projects",
]
MIDDLEWARE = [
    "config.middleware.RequestIdMiddleware",
    "config.middleware.ProxyMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "config.middleware.HeadersMiddleware",
    "corsheaders.middleware.CorsMiddleware",
    "config.middleware.ConnectionMiddleware",
    "config.static.StaticFilesMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django_otp.middleware.OTPMiddleware",
    "converter.owners.middleware.OwnerMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "axes.middleware.AxesMiddleware",
]
ROOT_URLCONF = "config.urls"
ASGI_APPLICATION = "config.asgi.application"
WSGI_APPLICATION = "config.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]
# The cache is Django's own Redis one: shared and atomic, only not on the list that W001 knows.
SILENCED_SYSTEM_CHECKS = ["django_ratelimit.W001"]

# --- Database, cache, broker ------------------------------------------------------------------

DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
_SQLITE_PRAGMAS = (
    "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA busy_timeout=30000; PRAGMA foreign_keys=ON; "
    "PRAGMA cache_size=-8000; PRAGMA mmap_size=67108864; PRAGMA temp_store=MEMORY; PRAGMA journal_size_limit=33554432;"
)
_database = env.url("DATABASE_URL", f"sqlite:///{VAR_DIR / 'db.sqlite3'}", schemes=("postgres", "postgresql", "sqlite"))
DATABASES: dict[str, Any] = {"default": dict(dj_database_url.parse(_database))}
if DATABASES["default"]["ENGINE"].endswith("sqlite3"):
    # IMMEDIATE: a transaction that will write takes the lock at its start and waits for it, instead of failing in the middle.
    DATABASES["default"]["OPTIONS"] = {"timeout": 30, "transaction_mode": "IMMEDIATE", "init_command": _SQLITE_PRAGMAS}
    DATABASES["default"]["TEST"] = {"NAME": str(VAR_DIR / "test.sqlite3")}
else:
    # Under ASGI each request has a thread of its own, so that a connection kept open would be kept for nobody: a pool instead.
    _pool = {"min_size": 0, "max_size": env.integer("DATABASE_POOL_SIZE", 16, low=2), "timeout": 10}
    DATABASES["default"] |= {"CONN_MAX_AGE": 0, "CONN_HEALTH_CHECKS": True}
    DATABASES["default"]["OPTIONS"] = {**DATABASES["default"].get("OPTIONS", {}), "pool": _pool}

_redis = env.url("REDIS_URL", redis_url.embedded_url(VAR_DIR), schemes=("redis", "rediss", "unix"))
REDIS_URL = redis_url.database_url(_redis, redis_url.EVENTS)
"""The database of progress events and heartbeats, as redis-py wants it."""
BROKER_URL = redis_url.broker_url(_redis)
REDIS_SECONDS = 2.0
"""Longest wait for an answer of that server: whoever needs it fails fast, because the site works without it."""
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": redis_url.database_url(_redis, redis_url.CACHE),
        "KEY_PREFIX": "cutroom",
        "OPTIONS": {"pool_class": "config.cache.SharedPool", "socket_connect_timeout": REDIS_SECONDS, "socket_timeout": REDIS_SECONDS},
    }
}
RATELIMIT_FAIL_OPEN = True  # without the cache the site still works; the limits on sizes and owners do not depend on it

# --- Media and work ---------------------------------------------------------------------------

MAX_UPLOAD_BYTES = env.size("MAX_UPLOAD_BYTES", 2 * 1024**3)
MAX_MEDIA_SECONDS = env.number("MAX_MEDIA_SECONDS", 4 * 3600, low=1)
MAX_PIXELS = env.integer("MAX_PIXELS", 67_108_864, low=1)
MAX_STREAMS = env.integer("MAX_STREAMS", 64, low=1)
MAX_FRAMES = env.integer("MAX_FRAMES", 1_000_000, low=1)
FFMPEG_BINARY = env.text("FFMPEG_BINARY")
FFMPEG_THREADS = env.integer("FFMPEG_THREADS", 0, high=256)
GIF_CORES = env.integer("GIF_CORES", 2, low=1, high=2)
GIF_KERNELS = env.path("GIF_KERNELS", BASE_DIR / "var" / "kernels")
SANDBOX_MEMORY_BYTES = env.size("SANDBOX_MEMORY_BYTES", 4 * 1024**3, low=256 * 1024**2)
SANDBOX = confinement.mode()
WORKER_CONCURRENCY = env.integer("WORKER_CONCURRENCY", 2, low=1, high=64)
WORKER_NICE = env.integer("WORKER_NICE", 19, low=0, high=19)
JOB_LEASE_SECONDS = env.number("JOB_LEASE_SECONDS", 15, low=1)
JOB_HEARTBEAT_SECONDS = env.number("JOB_HEARTBEAT_SECONDS", 3, low=0.1)
JOB_MAX_FAULTS = env.integer("JOB_MAX_FAULTS", 3)
JOB_MAX_LOSSES = env.integer("JOB_MAX_LOSSES", 10)
JOB_STALL_SECONDS = env.number("JOB_STALL_SECONDS", 60, low=1)
JOB_MAX_SECONDS = env.number("JOB_MAX_SECONDS", 6 * 3600, low=1)
GRANT_SECONDS = env.integer("GRANT_SECONDS", 600, low=1)
MIN_FREE_BYTES = env.size("MIN_FREE_BYTES", 512 * 1024**2)
if JOB_HEARTBEAT_SECONDS * 2 > JOB_LEASE_SECONDS:
    raise ImproperlyConfigured(
        f"JOB_HEARTBEAT_SECONDS={JOB_HEARTBEAT_SECONDS:g} is too long: give at most half of JOB_LEASE_SECONDS={JOB_LEASE_SECONDS:g}, "
        "or a job that is doing well loses its lease."
    )

# --- Requests, files, static ------------------------------------------------------------------

MAX_BODY_BYTES = 2 * 1024**2
"""Largest request body on routes that take no upload; config/asgi.py enforces both limits."""
DATA_UPLOAD_MAX_MEMORY_SIZE = MAX_BODY_BYTES
DATA_UPLOAD_MAX_NUMBER_FIELDS = 1000
DATA_UPLOAD_MAX_NUMBER_FILES = 1
FILE_UPLOAD_HANDLERS = ["converter.uploads.handlers.IncomingUploadHandler"]
FILE_UPLOAD_TEMP_DIR = str(INCOMING_DIR)
FILE_UPLOAD_PERMISSIONS = 0o600
FILE_UPLOAD_DIRECTORY_PERMISSIONS = 0o700
MEDIA_URL = ""  # user media has no public address: every byte goes through a view
STATIC_URL = "static/"
WHITENOISE_ALLOW_ALL_ORIGINS = False
STATIC_ROOT = env.path("STATIC_ROOT", BASE_DIR / "staticfiles")
STATICFILES_DIRS = [BASE_DIR / "static"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "config.static.ManifestStorage", "OPTIONS": {"file_permissions_mode": 0o644, "directory_permissions_mode": 0o755}},
}
LANGUAGE_CODE = "en"
USE_I18N = True
LANGUAGES = [("en", "English"), ("de", "Deutsch")]
"""The languages whose catalogues are whole (config/locale/)."""
LANGUAGE_COOKIE_SAMESITE = "Lax"
LANGUAGE_COOKIE_SECURE = HTTPS
LANGUAGE_COOKIE_AGE = 365 * 24 * 3600
USE_TZ = True
TIME_ZONE = "UTC"
APPEND_SLASH = True

# --- API --------------------------------------------------------------------------------------

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["converter.owners.authentication.OwnerAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.AllowAny"],  # each view asks for its owner; guests have no user
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    "DEFAULT_PAGINATION_CLASS": "converter.uploads.pagination.NewestFirst",
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "DEFAULT_FILTER_BACKENDS": ["django_filters.rest_framework.DjangoFilterBackend"],
    "DEFAULT_THROTTLE_CLASSES": ["converter.owners.ratelimit.ApiThrottle"],
    "DEFAULT_THROTTLE_RATES": {
        "guest": env.rate("GUEST_RATE", "30/hour"),
        "upload": env.rate("UPLOAD_RATE", "600/hour"),
        "sign_in": env.rate("SIGN_IN_RATE", "30/minute"),
        "owner": env.rate("OWNER_RATE", "1200/minute"),
        "address": env.rate("ADDRESS_RATE", "6000/minute"),
    },
    "EXCEPTION_HANDLER": "converter.problems.exception_handler",
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
}
SPECTACULAR_SETTINGS = policies.SPECTACULAR_SETTINGS
GUEST_LIFETIME = timedelta(days=365)

# --- Logs -------------------------------------------------------------------------------------

LOG_LEVEL = env.text("LOG_LEVEL", "INFO", choices=logs.LEVELS)
LOG_FORMAT = env.text("LOG_FORMAT", "auto", choices=logs.FORMATS)
LOGGING = logs.logging_config(LOG_LEVEL, LOG_FORMAT)
LOGGING_CONFIG = "logging.config.dictConfig"
