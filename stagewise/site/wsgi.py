"""The console as a WSGI application."""

from django.core.wsgi import get_wsgi_application

from stagewise import settings

settings.choose_django()
application = get_wsgi_application()
