"""The example's settings, with the strictest Content-Security-Policy on every page."""

from example_project import settings
from example_project.settings import *  # noqa: F403

MIDDLEWARE = [settings.MIDDLEWARE[0], f"{__name__}.strict", *settings.MIDDLEWARE[1:]]


def strict(get_response):
    """Forbid every script and style that is not a file of the site."""

    def answer(request):
        response = get_response(request)
        response.headers["Content-Security-Policy"] = "default-src 'self'"
        return response

    return answer
