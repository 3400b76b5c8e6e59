"""Django's settings, made from ours (stagewise/settings.py is the only reader of the environment)."""

from __future__ import annotations

import logging
import sys
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from stagewise import settings as stagewise_settings
from stagewise.site.csp import CSP

OURS = stagewise_settings.load()
PACKAGE = Path(__file__).resolve().parent.parent

OURS.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
SECRET_KEY = stagewise_settings.secret_key(OURS)
DEBUG = False

CONSOLE_URL = OURS.console_url
_console = urlsplit(CONSOLE_URL)
_https = _console.scheme == "https"
_LOOPBACK = {"127.0.0.1", "localhost", "[::1]"}
ALLOWED_HOSTS = sorted({_console.hostname or "127.0.0.1"} | _LOOPBACK)
CSRF_TRUSTED_ORIGINS = [f"{_console.scheme}://{_console.netloc}"]

INSTALLED_APPS = [
    "stagewise.accounts.apps.AccountsConfig",
    "stagewise.leads.apps.LeadsConfig",
    "stagewise.endpoints.apps.EndpointsConfig",
    "stagewise.notify.apps.NotifyConfig",
    "stagewise.console.apps.ConsoleConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.usersessions",
    "template_partials.apps.SimpleAppConfig",
]

DATABASES: dict[str, Any]
if OURS.database_url:
    from psycopg.conninfo import conninfo_to_dict

    # As psycopg reads it, so that console and lane agree on every form, sockets (?host=/run/postgresql) included.
    _database = conninfo_to_dict(OURS.database_url)
    DATABASES = {
        "default": {
            "ENGINE": "django.db.backends.postgresql",
            "NAME": _database.pop("dbname", ""),
            "USER": _database.pop("user", ""),
            "PASSWORD": _database.pop("password", ""),
            "HOST": _database.pop("host", ""),
            "PORT": str(_database.pop("port", "")),
            "CONN_MAX_AGE": 60,
            "CONN_HEALTH_CHECKS": True,
            # A server that has vanished is noticed in half a minute, as the lane does it, and not in two hours.
            "OPTIONS": {
                "connect_timeout": 5,
                "keepalives_idle": 10,
                "keepalives_interval": 5,
                "keepalives_count": 2,
                "tcp_user_timeout": 10_000,
                # A worker with a long backlog spent nine tenths of its time on compiling one query (0.2 s) that then
                # took a millisecond. PostgreSQL decides by the costs that it guesses.
                "options": f"-c jit=off {_database.pop('options', '')}".strip(),
                **_database,
            },
        }
    }
else:
    DATABASES = {
        "default": {
            "ENGINE": "stagewise.site.sqlite3_queued",
            "NAME": OURS.sqlite_path,
            "CONN_MAX_AGE": None,
            "OPTIONS": {
                "timeout": 10,
                "transaction_mode": "IMMEDIATE",
                "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA secure_delete=ON;",
            },
        }
    }

DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
AUTH_USER_MODEL = "accounts.User"
USE_TZ = True
# Django sets the TZ of the process to this; people see times in their workspace's zone.
TIME_ZONE = "UTC"
USE_I18N = True
LANGUAGE_CODE = "en"
#: What a member can choose, and what a browser's wish is met by; each in its own words.
LANGUAGES = [("en", "English"), ("ar", "العربية")]
LOCALE_PATHS = [PACKAGE / "locale"]

MIDDLEWARE = [
    "stagewise.site.middleware.RequestMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "stagewise.site.csp.ContentSecurityPolicyMiddleware",
    "stagewise.site.middleware.NoStoreMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "stagewise.site.middleware.SessionLifeMiddleware",
    "stagewise.site.middleware.LanguageMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
]
ROOT_URLCONF = "stagewise.site.urls"
WSGI_APPLICATION = "stagewise.site.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [PACKAGE / "console" / "templates"],
        "OPTIONS": {
            "loaders": [
                (
                    "template_partials.loader.Loader",
                    [
                        (
                            "django.template.loaders.cached.Loader",
                            [
                                "django.template.loaders.filesystem.Loader",
                                "django.template.loaders.app_directories.Loader",
                            ],
                        )
                    ],
                )
            ],
            "builtins": ["template_partials.templatetags.partials"],
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "stagewise.site.csp.csp",
                "stagewise.console.context.installation",
            ],
        },
    }
]

# Accounts. Who may sign up is the operator's to say (STAGEWISE_SIGNUP); addresses are verified in any case.
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
    {
        "NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator",
        "OPTIONS": {"user_attributes": ("email", "name")},
    },
]
PASSWORD_RESET_TIMEOUT = 3600
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/"
ACCOUNT_ADAPTER = "stagewise.accounts.adapter.AccountAdapter"
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*", "password2*"]
ACCOUNT_SIGNUP_FORM_CLASS = "stagewise.accounts.signup.NameForm"
ACCOUNT_EMAIL_VERIFICATION = "mandatory"
ACCOUNT_EMAIL_SUBJECT_PREFIX = ""
# An unknown address is told nothing, neither on the page nor by mail.
ACCOUNT_EMAIL_UNKNOWN_ACCOUNTS = False
ACCOUNT_LOGOUT_REDIRECT_URL = LOGIN_URL
ACCOUNT_SESSION_REMEMBER = True
# A second factor: codes from an app, passkeys (with which one also logs in without a password), recovery codes.
MFA_ADAPTER = "stagewise.site.two_factors.TwoFactorAdapter"
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_TOTP_ISSUER = "Stagewise"
# A phone's clock may be half a minute wrong (RFC 6238, 5.2).
MFA_TOTP_TOLERANCE = 1

# Sessions: twelve hours at most, one without a request; "seen" is written at most every five minutes.
SESSION_COOKIE_AGE = 12 * 3600
SESSION_IDLE_SECONDS = 3600
SESSION_SEEN_SECONDS = 300
SESSION_COOKIE_HTTPONLY = CSRF_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = _https
SESSION_COOKIE_NAME = "__Host-session" if _https else "session"
CSRF_COOKIE_NAME = "__Host-csrf" if _https else "csrf"
CSRF_FAILURE_VIEW = "stagewise.console.errors.csrf_failure"
# Toasts in the session: cookies of their own would need the same care again.
MESSAGE_STORAGE = "django.contrib.messages.storage.session.SessionStorage"

# Headers. Everything a page needs is a file of ours: nothing inline, nothing from elsewhere.
SECURE_CSP = {
    "default-src": [CSP.SELF],
    "script-src": [CSP.SELF],
    "style-src": [CSP.SELF],
    "object-src": [CSP.NONE],
    "base-uri": [CSP.NONE],
    "frame-ancestors": [CSP.NONE],
    "form-action": [CSP.SELF],
}
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
SECURE_HSTS_SECONDS = 365 * 24 * 3600 if _https else 0
# W005, W021: whether all subdomains speak https is not ours to say. W008: the proxy that ends TLS redirects.
SILENCED_SYSTEM_CHECKS = ["security.W005", "security.W008", "security.W021"]
if not _https:
    # No HSTS and no Secure cookies: on this machine itself there is no TLS, and with them nobody could log in.
    SILENCED_SYSTEM_CHECKS += ["security.W004", "security.W012", "security.W016"]

# What is handed in lies on the disk while the request lasts, and no more than 20 MB of it.
FILE_UPLOAD_HANDLERS = ["stagewise.site.uploads.LimitedHandler"]

# What allauth counts tries in. Rows, so that all processes and nodes count together.
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.db.DatabaseCache",
        "LOCATION": "console_cache",
        "OPTIONS": {"MAX_ENTRIES": 10_000},
    }
}

# Mail
DEFAULT_FROM_EMAIL = SERVER_EMAIL = OURS.mail_from
EMAIL_TIMEOUT = 10
if OURS.smtp_url:
    _smtp = urlsplit(OURS.smtp_url)
    EMAIL_BACKEND = "stagewise.site.mail.BackgroundBackend"
    EMAIL_HOST = _smtp.hostname or ""
    EMAIL_HOST_USER = unquote(_smtp.username or "")
    EMAIL_HOST_PASSWORD = unquote(_smtp.password or "")
    EMAIL_USE_SSL = _smtp.scheme == "smtps"
    # Without a password there is nothing to protect on the way to a relay that may know no TLS.
    EMAIL_USE_TLS = not EMAIL_USE_SSL and bool(EMAIL_HOST_PASSWORD)
    EMAIL_PORT = _smtp.port or (465 if EMAIL_USE_SSL else 587 if EMAIL_USE_TLS else 25)
else:
    EMAIL_BACKEND = "django.core.mail.backends.console.EmailBackend"

#: What webhooks may call inside the network (stagewise/notify/outbound.py).
OUTBOUND_ALLOW = OURS.outbound_allow

# Static files: `make assets` collects them under hashed names; without that the sources are served as they are.
STATIC_URL = "/static/"
STATIC_ROOT = PACKAGE / "static_files"
# The pictures of the pages under Help are built with these: `python -m stagewise.pages`.
_pictures = PACKAGE / "public_files" / "docs" / "images"
STATICFILES_DIRS: list[Path | tuple[str, Path]] = []
_built = PACKAGE / "console" / "built"
if _built.is_dir():  # `npm run build` makes it
    STATICFILES_DIRS.append(_built)
if _pictures.is_dir():
    STATICFILES_DIRS.append(("docs", _pictures))
STATICFILES_FINDERS = ["django.contrib.staticfiles.finders.FileSystemFinder"]
_manifest, _style = STATIC_ROOT / "staticfiles.json", _built / "console.css"
# What `npm run build` made since then is what whoever ran it wants to see. An installed package has no such folder.
_collected = _manifest.exists() and not (_style.exists() and _style.stat().st_mtime > _manifest.stat().st_mtime)
WHITENOISE_USE_FINDERS = WHITENOISE_AUTOREFRESH = not _collected
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": (
            "whitenoise.storage.CompressedManifestStaticFilesStorage"
            if _collected or "collectstatic" in sys.argv
            else "django.contrib.staticfiles.storage.StaticFilesStorage"
        )
    },
}

# The log is stagewise/log.py's. Django's own set-up would close its handler, and everything would be silent after that.
LOGGING_CONFIG = None
# A stranger's Host header is refused with 400; a traceback for each would let strangers fill the log.
_strangers = logging.getLogger("django.security.DisallowedHost")
_strangers.propagate = False
_strangers.addHandler(logging.NullHandler())
