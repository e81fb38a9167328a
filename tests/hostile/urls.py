from django.urls import include, path
from rest_framework.routers import SimpleRouter

from tests.hostile import guarded, stock


def routes(module):
    router = SimpleRouter()
    for name in ("Things", "Patterns", "Cursored", "Links"):
        router.register(name.lower(), getattr(module, name), basename=name.lower()[:-1])
    return [
        *router.urls,
        path("got/", module.Got.as_view()),
        path("read/", module.Read.as_view()),
        path("echo/", module.Echo.as_view()),
        path("found/", module.Found.as_view()),
        path("found/<slug>/", module.Found.as_view()),
    ]


urlpatterns = [
    path("stock/", include(routes(stock))),
    path("guarded/", include(routes(guarded))),
]
