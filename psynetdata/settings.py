"""Django's settings; a lab configures them with environment variables (docs/settings.md)."""

import socket
from pathlib import Path

import dj_database_url
from csp.constants import NONE, SELF, UNSAFE_EVAL, UNSAFE_INLINE
from django.core.exceptions import ImproperlyConfigured

from psynetdata import env

BASE_DIR = Path(__file__).resolve().parent.parent

# --- folders -------------------------------------------------------------------------------
DATA_DIR = env.read("DATA_DIR", BASE_DIR / "var", env.folder, example="/srv/psynetdata")
TEMP_DIR = DATA_DIR / "tmp"
try:
    TEMP_DIR.mkdir(parents=True, exist_ok=True)
except OSError as error:
    raise ImproperlyConfigured(
        f"The folder DATA_DIR={DATA_DIR} is not writable ({error.strerror}). "
        "Choose another one, like DATA_DIR=/srv/psynetdata."
    ) from None

SECRET_KEY = env.read("SECRET_KEY", "", str, example="a-long-random-text") or env.kept_secret(DATA_DIR / "secret_key")
# Encrypts values that must not be stored in clear text, above all pseudonym keys.
# If it is not set, psynetdata.sealing reads the file, and makes it for a new database.
MASTER_KEY = env.read("MASTER_KEY", "", env.fernet_key, example=env.NEW_FERNET_KEY)
MASTER_KEY_FILE = DATA_DIR / "master_key"

DEBUG = env.read("DEBUG", False, env.boolean, example="1")
PORT = env.read("PORT", 8000, env.port, example="8001")
HOST = env.read("HOST", "127.0.0.1", str, example="0.0.0.0")
ALLOWED_HOSTS = env.read("ALLOWED_HOSTS", ["localhost", "127.0.0.1", "[::1]"], env.words, example="data.lab.org")
CSRF_TRUSTED_ORIGINS = env.read("CSRF_TRUSTED_ORIGINS", [], env.words, example="https://data.lab.org")

INSTALLED_APPS = [
    "unfold",
    "unfold.contrib.filters",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "rest_framework",
    "django_filters",
    "drf_spectacular",
    "django_q",
    "psynetdata.apps.PsynetdataConfig",
    "exports.apps.ExportsConfig",
]

MIDDLEWARE = [
    "psynetdata.infra.log_format.RequestIdMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "csp.middleware.CSPMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "psynetdata.infra.response_headers.PrivateResponseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]

ROOT_URLCONF = "psynetdata.urls"
WSGI_APPLICATION = "psynetdata.wsgi.application"
ASGI_APPLICATION = "psynetdata.asgi.application"
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

# --- databases: the site's own and the two faces of the mirror ------------------------------
FACES = ("identified", "anonymous")
DATABASE_URL = env.read(
    "DATABASE_URL", None, dj_database_url.parse, example="postgres://user:password@host:5432/psynetdata"
)


def _sqlite(name: str) -> dict:
    # IMMEDIATE + WAL + a timeout: the only combination with which workers never see "database is locked".
    pragmas = "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA temp_store=FILE; "
    # What a large transaction leaves of the log is cut off; see psynetdata.infra.sqlite_log.
    pragmas += "PRAGMA journal_size_limit=33554432;"
    options = {"transaction_mode": "IMMEDIATE", "timeout": 30, "init_command": pragmas}
    test = {"NAME": str(TEMP_DIR / f"test-{name}.sqlite3")}
    return {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": DATA_DIR / f"{name}.sqlite3",
        "OPTIONS": options,
        "TEST": test,
    }


def _postgres(schema: str) -> dict:
    options = {**DATABASE_URL.get("OPTIONS", {}), "options": f"-c search_path={schema}"}
    return {**DATABASE_URL, "OPTIONS": options, "CONN_MAX_AGE": 60, "CONN_HEALTH_CHECKS": True}


if DATABASE_URL is None:
    DATABASES = {"default": _sqlite("site")} | {face: _sqlite(face) for face in FACES}
elif DATABASE_URL["ENGINE"] != "django.db.backends.postgresql":
    raise ImproperlyConfigured(
        "The environment variable DATABASE_URL must be the URL of a PostgreSQL database, like "
        "DATABASE_URL=postgres://user:password@host:5432/psynetdata; unset it to use SQLite files in DATA_DIR."
    )
else:
    DATABASES = {"default": _postgres("public")} | {face: _postgres(face) for face in FACES}

DATABASE_ROUTERS = ["psynetdata.faces.FaceRouter"]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
# The mirror's `id` is PsyNet's own and not the primary key; `key` is (docs/architecture.md).
SILENCED_SYSTEM_CHECKS = [
    "models.E004",
    # HSTS for subdomains, and in browsers' own lists: only the owner of the whole domain can decide that.
    "security.W005",
    "security.W021",
]

# --- files ----------------------------------------------------------------------------------
STORAGES = {
    "default": env.read(
        "STORAGE_URL", env.local_storage(DATA_DIR / "storage"), env.storage, example="s3://bucket/prefix"
    ),
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
# With a key, everything in the storage is encrypted; the newest of several keys comes first.
STORAGE_KEYS = env.read("STORAGE_KEY", [], env.storage_keys, example=env.NEW_FERNET_KEY)
if STORAGE_KEYS:
    STORAGES["default"] = env.sealed(STORAGES["default"], STORAGE_KEYS)
# Another storage to which everything is copied as it is stored, encrypted or not (exports.store.second_copy).
_SECOND_COPY = env.read("STORAGE_MIRROR_URL", None, env.storage, example="sftp://user@host/folder")
if _SECOND_COPY:
    if env.unsealed(STORAGES["default"]) == _SECOND_COPY:
        raise ImproperlyConfigured(
            "The environment variable STORAGE_MIRROR_URL names the storage itself (STORAGE_URL). Choose another place "
            "for the second copy, like STORAGE_MIRROR_URL=sftp://user@host/folder, or unset it."
        )
    STORAGES["second_copy"] = _SECOND_COPY
STATIC_URL = "static/"
WHITENOISE_USE_FINDERS = True  # served from where they are installed; collectstatic is not needed
FILE_UPLOAD_PERMISSIONS, FILE_UPLOAD_DIRECTORY_PERMISSIONS = 0o600, 0o700
FILE_UPLOAD_TEMP_DIR = str(TEMP_DIR)

# --- work -----------------------------------------------------------------------------------
REDIS_URL = env.read("REDIS_URL", "", str, example="redis://localhost:6379/0")
JOB_TIMEOUT = env.read("JOB_TIMEOUT", 6 * 3600, env.whole_number, example="21600")
# Exports at the same time; one person's leave a worker to others, so that a long export does not block everybody.
EXPORT_WORKERS = env.read("EXPORT_WORKERS", 2, env.positive_number, example="2")
EXPORTS_WAITING = env.read("EXPORTS_WAITING", 50, env.positive_number, example="50")
_CLUSTER = {
    "workers": 1,
    "timeout": JOB_TIMEOUT,
    "retry": JOB_TIMEOUT + 3600,  # more than timeout plus the wait in the queue, otherwise a task runs twice
    "ack_failures": True,  # otherwise a failing task is run again forever
    "max_attempts": 1,  # attempts are counted in the Job row
    "queue_limit": 1,  # prefetched tasks would run twice
    "bulk": 1,
    "catch_up": False,
    "save_limit": 200,
    "daemonize_workers": False,  # exports start their own processes
    "label": "Queue",
    # kB; a worker whose task needed more is replaced after it, because the memory does not go back to the system. A
    # new one has 100,000, and 150,000 after hours of small snapshots.
    "max_rss": 250_000,
    "poll": 0.5,  # seconds between checks of the database's queue
} | ({"redis": REDIS_URL} if REDIS_URL else {"orm": "default"})
Q_CLUSTER = _CLUSTER | {
    "name": "psynetdata",
    # psynetdata.clusters.CLUSTERS
    "ALT_CLUSTERS": {
        "fast": _CLUSTER | {"workers": 2},
        "slow": _CLUSTER | {"workers": EXPORT_WORKERS},
        "mirror": _CLUSTER | {"workers": 2},  # one large table does not stop the mirrors of others
    },
}

BASIC_DATA_MODULES = env.read("BASIC_DATA_MODULES", [], env.words, example="my_lab.basic_data")
BASIC_DATA_SECONDS = env.read("BASIC_DATA_SECONDS", 60, env.whole_number, example="60")
API_RATE = env.read("API_RATE", "1200/min", env.rate, example="1200/min")
# The only limit for a file whose server does not report its length.
ASSET_MAX_MB = env.read("ASSET_MAX_MB", 20_000, env.whole_number, example="20000")
EXPORT_DAYS = env.read("EXPORT_DAYS", 30, env.whole_number, example="30")
SSH_KEY = env.read("SSH_KEY", "", str, example="/etc/psynetdata/id_ed25519")
# A PostgreSQL database for restore drills; used only inside a transaction that is rolled back.
DRILL_DATABASE_URL = env.read(
    "DRILL_DATABASE_URL", "", env.postgres, example="postgres://user:password@host:5432/scratch"
)
# Opens the keys file of a backup; without it a backup has none.
BACKUP_PASSPHRASE = env.read("BACKUP_PASSPHRASE", "", str, example="'six words that nobody guesses'")
BACKUP_KEEP = env.read("BACKUP_KEEP", 14, env.whole_number, example="14")
DRILL_EVERY_HOURS = env.read("DRILL_EVERY_HOURS", 24, env.whole_number, example="24")

# --- sources ---------------------------------------------------------------------------------
HEROKU_API_URL = env.read("HEROKU_API_URL", "https://api.heroku.com", env.web_address, example="https://api.heroku.com")

# --- alarms ---------------------------------------------------------------------------------
SITE_URL = env.read("SITE_URL", f"http://localhost:{PORT}", env.web_address, example="https://data.lab.org")
SITE_NAME = env.read("SITE_NAME", f"psynetdata on {socket.gethostname()}", env.line, example="'The data desk'")
HEARTBEAT_URL = env.read("HEARTBEAT_URL", "", env.ping_address, example="https://hc-ping.com/…")
STORAGE_MIN_FREE = env.read("STORAGE_MIN_FREE", env.room("5%,2GB"), env.room, example="5%,2GB")
SLACK_BOT_TOKEN = env.read("SLACK_BOT_TOKEN", "", env.token, example="xoxb-…")
SLACK_CHANNEL = env.read("SLACK_CHANNEL", "", env.line, example="C0123456789")
SLACK_BASE_URL = env.read("SLACK_BASE_URL", "https://slack.com/api", env.web_address, example="https://slack.com/api/")
ALARM_EMAILS = env.read("ALARM_EMAILS", [], env.addresses, example="me@lab.org,you@lab.org")
EMAIL_FROM = env.read("EMAIL_FROM", "", env.address, example="psynetdata@lab.org")
_MAIL_SERVER = env.read("EMAIL_URL", {}, env.mail_server, example="smtps://user:password@mail.lab.org")
EMAIL_HOST = _MAIL_SERVER.get("host", "")
EMAIL_PORT = _MAIL_SERVER.get("port", 25)
EMAIL_HOST_USER = _MAIL_SERVER.get("user", "")
EMAIL_HOST_PASSWORD = _MAIL_SERVER.get("password", "")
EMAIL_USE_SSL = _MAIL_SERVER.get("tls", False)
EMAIL_USE_TLS = _MAIL_SERVER.get("starttls", False)
EMAIL_TIMEOUT = 10  # seconds for each answer of the server

# --- people ---------------------------------------------------------------------------------
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]
LOGIN_URL = "admin:login"
LOGIN_REDIRECT_URL = "admin:index"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
BEHIND_HTTPS = env.read("BEHIND_HTTPS", False, env.boolean, example="1")
# On a laptop, sources of this machine may be entered in the browser; others reach a site with a host name.
LOCAL_ADDRESSES = env.read(
    "LOCAL_ADDRESSES", HOST in ("127.0.0.1", "localhost", "::1") and not BEHIND_HTTPS, env.boolean, example="1"
)
HSTS_SECONDS = env.read("HSTS_SECONDS", 365 * 86400, env.whole_number, example="31536000")
if BEHIND_HTTPS:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = True
    SECURE_SSL_REDIRECT = True
    SECURE_REDIRECT_EXEMPT = [r"^healthz$"]  # asked from within the machine, where there is no proxy
    SECURE_HSTS_SECONDS = HSTS_SECONDS
# Browsers load nothing from elsewhere. django-csp sets it; Django 6 has the same as SECURE_CSP.
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF, UNSAFE_EVAL],  # Alpine, in the admin's design, evaluates the attributes of its templates
        "style-src": [SELF, UNSAFE_INLINE],  # the same templates have style attributes
        "img-src": [SELF, "data:"],
        "font-src": [SELF],
        "media-src": [SELF],
        "connect-src": [SELF],
        "form-action": [SELF],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
    }
}

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "psynetdata.api.authentication.TokenAuthentication",
        "psynetdata.api.authentication.BasicTokenAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": [
        "rest_framework.permissions.IsAuthenticated",
        "psynetdata.api.access.WithinScope",
    ],
    "DEFAULT_THROTTLE_CLASSES": ["psynetdata.api.throttle.Throttle"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "psynetdata.api.errors.handler",
    "URL_FORMAT_OVERRIDE": None,  # `format=` names a sheet's file format and is read by the sheets themselves
}
SPECTACULAR_SETTINGS = {
    "TITLE": "psynetdata",
    "VERSION": "1",
    "SERVE_INCLUDE_SCHEMA": False,
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "psynetdata.api.schema.with_errors",
    ],
}

# --- language, time, log --------------------------------------------------------------------
USE_TZ = True
TIME_ZONE = "UTC"
LANGUAGE_CODE = "en-gb"
USE_I18N = True
LOG_FORMAT = env.read("LOG_FORMAT", "plain", env.log_format, example="json")
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "plain": {
            "()": "psynetdata.infra.log_format.PlainFormatter",
            "format": "{asctime} {levelname} {name}: {message}",
            "style": "{",
        },
        "json": {"()": "psynetdata.infra.log_format.JsonFormatter"},
    },
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": LOG_FORMAT}},
    "root": {"handlers": ["console"], "level": "INFO"},
    "loggers": {
        "django-q": {"level": "WARNING"},
        "paramiko": {"level": "WARNING"},
        "urllib3": {"level": "ERROR"},  # its warnings quote addresses, which may contain a secret
    },
}

UNFOLD = {
    "SITE_TITLE": "psynetdata",
    "SITE_HEADER": "psynetdata",
    "SITE_SUBHEADER": "Data of PsyNet experiments",
    "SITE_SYMBOL": "database",
    "SHOW_HISTORY": False,
    "SHOW_VIEW_ON_SITE": False,
    "SIDEBAR": {"navigation": "psynetdata.admin.sidebar.navigation"},
    "DASHBOARD_CALLBACK": "exports.admin.dashboard.overview.overview",
    "STYLES": ["/static/psynetdata/admin.css", "/static/psynetdata/noscript.css"],
    "SCRIPTS": ["/static/psynetdata/times.js", "/static/psynetdata/keys.js"],
    "SITE_FAVICONS": [{"rel": "icon", "type": "image/svg+xml", "href": "/static/psynetdata/favicon.svg"}],
}
