"""Django's settings, made from ours (stagewise/settings.py is the only reader of the environment)."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from stagewise import settings as stagewise_settings

OURS = stagewise_settings.load()
PACKAGE = Path(__file__).resolve().parent.parent

OURS.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
SECRET_KEY = stagewise_settings.secret_key(OURS)
DEBUG = False

CONSOLE_URL = OURS.console_url or "http://127.0.0.1:8001"
_console = urlsplit(CONSOLE_URL)
_https = _console.scheme == "https"
_LOOPBACK = {"127.0.0.1", "localhost", "[::1]"}
ALLOWED_HOSTS = sorted({_console.hostname or "127.0.0.1"} | _LOOPBACK)
CSRF_TRUSTED_ORIGINS = [CONSOLE_URL] if _https else []

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
]

DATABASES: dict[str, Any]
if OURS.database_url:
    _database = urlsplit(OURS.database_url)
    DATABASES = {
        "default": {
            "ENGINE": "django.db.backends.postgresql",
            "NAME": unquote(_database.path.lstrip("/")),
            "USER": unquote(_database.username or ""),
            "PASSWORD": unquote(_database.password or ""),
            "HOST": unquote(_database.hostname or ""),
            "PORT": str(_database.port or ""),
            "CONN_MAX_AGE": 60,
            "CONN_HEALTH_CHECKS": True,
            "OPTIONS": {"connect_timeout": 5},
        }
    }
else:
    DATABASES = {
        "default": {
            "ENGINE": "django.db.backends.sqlite3",
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

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
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
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    }
]
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*", "password2*"]
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
