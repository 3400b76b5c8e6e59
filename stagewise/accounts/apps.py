from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "stagewise.accounts"
    label = "accounts"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Begin to record what happens to second factors."""
        from stagewise.accounts import second_factors

        second_factors.connect()
