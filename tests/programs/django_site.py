"""Django's own admin, and an API behind django-oauth-toolkit: `python django_site.py FOLDER SECONDS` serves both on a free port of loopback.

A token lives so many seconds. Prints the address once it listens. The people and the client it knows are made here; everything that is signed
in to is theirs. Below `behind/` the tests look at what the toolkit gave out.
"""

import sys
from pathlib import Path

import django
from django.conf import settings

folder = Path(sys.argv[1])
settings.configure(
    DEBUG=False,
    SECRET_KEY="only-for-a-test",
    ALLOWED_HOSTS=["127.0.0.1", "localhost"],
    ROOT_URLCONF=__name__,
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": folder / "site.sqlite3"}},
    INSTALLED_APPS=[
        "django.contrib.admin",
        "django.contrib.auth",
        "django.contrib.contenttypes",
        "django.contrib.sessions",
        "django.contrib.messages",
        "oauth2_provider",
    ],
    MIDDLEWARE=[
        "django.middleware.security.SecurityMiddleware",
        "django.contrib.sessions.middleware.SessionMiddleware",
        "django.middleware.common.CommonMiddleware",
        "django.middleware.csrf.CsrfViewMiddleware",
        "django.contrib.auth.middleware.AuthenticationMiddleware",
        "django.contrib.messages.middleware.MessageMiddleware",
    ],
    TEMPLATES=[
        {
            "BACKEND": "django.template.backends.django.DjangoTemplates",
            "APP_DIRS": True,
            "OPTIONS": {
                "context_processors": [
                    "django.template.context_processors.request",
                    "django.contrib.auth.context_processors.auth",
                    "django.contrib.messages.context_processors.messages",
                ]
            },
        }
    ],
    STATIC_URL="/static/",
    USE_TZ=True,
    # As Django's own guide to tests says: the usual ones are slow on purpose.
    PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"],
    # The tables at once, not by the years of their history.
    MIGRATION_MODULES=dict.fromkeys(["admin", "auth", "contenttypes", "sessions", "oauth2_provider"]),
    DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
    OAUTH2_PROVIDER={"SCOPES": {"read": "Read orders"}, "ACCESS_TOKEN_EXPIRE_SECONDS": int(sys.argv[2])},
)
django.setup()

from django.contrib import admin  # noqa: E402
from django.contrib.auth import get_user_model  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.core.servers.basehttp import ThreadedWSGIServer, WSGIRequestHandler  # noqa: E402
from django.core.wsgi import get_wsgi_application  # noqa: E402
from django.db.models.signals import post_save  # noqa: E402
from django.http import JsonResponse  # noqa: E402
from django.urls import include, path  # noqa: E402
from oauth2_provider.decorators import protected_resource  # noqa: E402
from oauth2_provider.models import AccessToken, Application  # noqa: E402


@protected_resource(scopes=["read"])
def orders(request):
    return JsonResponse({"orders": [{"id": 7, "total": 12.5}, {"id": 8, "total": 3}]})


# Every token that was ever given out, also those that are no more.
given = []
post_save.connect(lambda instance, created, **_: given.append(instance.token) if created else None, sender=AccessToken, weak=False)


def revoke(request):
    """Somebody takes all tokens back."""
    return JsonResponse({"revoked": AccessToken.objects.all().delete()[0]})


urlpatterns = [
    path("admin/", admin.site.urls),
    path("o/", include("oauth2_provider.urls", namespace="oauth2_provider")),
    path("api/orders/", orders),
    path("behind/tokens/", lambda _: JsonResponse({"tokens": given})),
    path("behind/revoke/", revoke),
]

call_command("migrate", run_syncdb=True, verbosity=0)
people = get_user_model().objects
if not people.exists():
    people.create_superuser("probe", "probe@example.com", "correct-horse-battery")
    Application.objects.create(
        name="probe",
        client_id="probe",
        client_secret="client-secret-of-the-probe",
        client_type=Application.CLIENT_CONFIDENTIAL,
        authorization_grant_type=Application.GRANT_CLIENT_CREDENTIALS,
    )

server = ThreadedWSGIServer(("127.0.0.1", 0), WSGIRequestHandler)
server.set_app(get_wsgi_application())
print(f"http://127.0.0.1:{server.server_port}", flush=True)
server.serve_forever()
