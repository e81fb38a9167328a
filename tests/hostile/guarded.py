"""The same views, guarded, with api_guard's classes in DRF's places."""

from rest_framework.authentication import BasicAuthentication
from rest_framework.renderers import BrowsableAPIRenderer

from api_guard import PUBLIC, guard
from api_guard.filters import OrderingFilter, SearchFilter
from api_guard.pagination import CursorPagination, LimitOffsetPagination
from api_guard.parsers import FormParser, JSONParser, MultiPartParser
from api_guard.renderers import JSONRenderer
from tests.hostile import views

public = guard(read=PUBLIC, write=PUBLIC)


class Guarded:
    authentication_classes = [BasicAuthentication]
    parser_classes = [JSONParser, FormParser, MultiPartParser]
    renderer_classes = [JSONRenderer, BrowsableAPIRenderer]


class Cursors(CursorPagination):
    ordering = "created"


@public
class Things(Guarded, views.Things):
    pagination_class = LimitOffsetPagination
    filter_backends = [SearchFilter, OrderingFilter]


class Patterns(Things):
    pass


class Cursored(Things):
    pagination_class = Cursors
    filter_backends = []


@public
class Links(Guarded, views.Links):
    pass


@public
class Got(Guarded, views.Got):
    pass


@guard(read=PUBLIC, write=PUBLIC, limits={"top": "any"})
class Read(Guarded, views.Read):
    pass


@public
class Echo(Guarded, views.Echo):
    pass


@public
class Found(Guarded, views.Found):
    pass
