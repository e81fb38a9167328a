"""The views as DRF has them."""

from rest_framework.authentication import BasicAuthentication
from rest_framework.filters import OrderingFilter, SearchFilter
from rest_framework.pagination import CursorPagination, LimitOffsetPagination
from rest_framework.parsers import FormParser, JSONParser, MultiPartParser
from rest_framework.permissions import AllowAny
from rest_framework.renderers import BrowsableAPIRenderer, JSONRenderer

from tests.hostile import views


class Stock:
    authentication_classes = [BasicAuthentication]
    permission_classes = [AllowAny]
    parser_classes = [JSONParser, FormParser, MultiPartParser]
    renderer_classes = [JSONRenderer, BrowsableAPIRenderer]


class Pages(LimitOffsetPagination):
    default_limit = 20


class Cursors(CursorPagination):
    page_size = 20
    ordering = "created"


class Things(Stock, views.Things):
    pagination_class = Pages
    filter_backends = [SearchFilter, OrderingFilter]


class Patterns(Things):
    search_fields = ["$title"]


class Cursored(Things):
    pagination_class = Cursors
    filter_backends = []


class Links(Stock, views.Links):
    pass


class Got(Stock, views.Got):
    pass


class Read(Stock, views.Read):
    pass


class Echo(Stock, views.Echo):
    pass


class Found(Stock, views.Found):
    pass
