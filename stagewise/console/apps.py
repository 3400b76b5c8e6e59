from django.apps import AppConfig


class ConsoleConfig(AppConfig):
    name = "stagewise.console"
    label = "console"
