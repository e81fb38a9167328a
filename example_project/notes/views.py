"""One view of every kind that api_guard supports. The guard above each shows what it requires."""

from django.contrib.auth import get_user_model
from django.db.models import Count, Q
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.decorators import action, api_view
from rest_framework.generics import ListAPIView
from rest_framework.mixins import DestroyModelMixin
from rest_framework.response import Response
from rest_framework.views import APIView
from rest_framework.viewsets import ModelViewSet, ReadOnlyModelViewSet

from api_guard import PUBLIC, STAFF, grants, guard
from api_guard.permissions import HasScopes
from api_guard.throttling import RateThrottle
from example_project.notes.models import Note, Notebook, Remark
from example_project.notes.serializers import (
    AuditSerializer,
    AuthorSerializer,
    HealthSerializer,
    NotebookSerializer,
    NoteSerializer,
    PingSerializer,
    PublishedNoteSerializer,
    RemarkSerializer,
    StatisticsSerializer,
    TitleSerializer,
)


@guard(
    read="notes:read",
    write="notes:write",
    actions={"publish": "notes:publish"},
    owner="author",
    throttle=("5/s", "1000/d"),
)
class NoteViewSet(ModelViewSet):
    """Your own notes. Notes of other users are not found, in any way."""

    queryset = Note.objects.all()
    serializer_class = NoteSerializer

    @extend_schema(request=None)
    @action(detail=True, methods=["post"])
    def publish(self, request, pk=None):
        note = self.get_object()
        note.published_at = timezone.now()
        note.save(update_fields=["published_at"])
        return Response(self.get_serializer(note).data)


@guard(read="notes:read", write="notes:write", owner="owner")
class NotebookViewSet(ModelViewSet):
    """Your own notebooks. You can put a note only into a notebook that you may see."""

    queryset = Notebook.objects.all()
    serializer_class = NotebookSerializer


def published(caller):
    return Q(published_at__isnull=False)


@guard(
    read=PUBLIC,
    write="notes:publish",
    objects={"read": published},
    owner={"write": "author"},
    throttle={"read": "60/m", "write": "10/m"},
)
class PublishedNoteViewSet(DestroyModelMixin, ReadOnlyModelViewSet):
    """Everybody reads published notes; only the author can withdraw one, with DELETE."""

    queryset = Note.objects.select_related("author")
    serializer_class = PublishedNoteSerializer

    def perform_destroy(self, instance):
        instance.published_at = None
        instance.save(update_fields=["published_at"])


def shared_with(caller):
    # A client on its own behalf has no user, so no notebook is shared with it.
    return Q(notebook__readers=caller.user_id) if caller.user_id is not None else None


@guard(read="notes:read", objects=shared_with)
class SharedNoteList(ListAPIView):
    """The notes in the notebooks that were shared with you."""

    queryset = Note.objects.select_related("author")
    serializer_class = PublishedNoteSerializer


class TitleList(ListAPIView):
    """The titles of your notes, with DRF's own lists: for a project that migrates step by step."""

    permission_classes = [HasScopes("notes:read")]
    throttle_classes = [RateThrottle("30/m")]
    serializer_class = TitleSerializer

    def get_queryset(self):
        return Note.objects.filter(author=self.request.user.pk)


@guard(read=STAFF, write=(STAFF, "audit:write"))
class AuditView(APIView):
    """All live grants, and the remarks of the staff."""

    @extend_schema(responses=AuditSerializer)
    def get(self, request):
        rows = grants.live().select_related("user", "group", "client")
        remarks = RemarkSerializer(Remark.objects.select_related("author")[:20], many=True)
        return Response({"grants": [str(row) for row in rows], "remarks": remarks.data})

    @extend_schema(request=RemarkSerializer, responses={201: RemarkSerializer})
    def post(self, request):
        serializer = RemarkSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        serializer.save(author=request.user)
        return Response(serializer.data, status=201)


staff_only = guard(read=STAFF, write=STAFF)


@staff_only
@extend_schema(responses=StatisticsSerializer)
@api_view(["GET"])
def statistics(request):
    """Count notes and authors."""
    return Response(
        Note.objects.aggregate(
            notes=Count("pk"),
            published=Count("published_at"),
            authors=Count("author", distinct=True),
        )
    )


@staff_only
class AuthorList(ListAPIView):
    """The users who have written notes."""

    queryset = (
        get_user_model()
        .objects.annotate(number_of_notes=Count("notes"))
        .filter(number_of_notes__gt=0)
        .order_by("username")
    )
    serializer_class = AuthorSerializer


@guard(read=PUBLIC, throttle="20/m")
@extend_schema(responses=PingSerializer)
@api_view(["GET"])
def ping(request):
    """Public, with a rate."""
    return Response({"ping": "pong"})


@extend_schema(responses=HealthSerializer)
@api_view(["GET"])
def health(request):
    """It has no guard: API_GUARD["EXEMPT"] names it, with a reason."""
    return Response({"status": "up"})
