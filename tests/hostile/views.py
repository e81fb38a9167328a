"""What a project writes. `stock` and `guarded` each make their own of it."""

from rest_framework import serializers
from rest_framework.response import Response
from rest_framework.views import APIView
from rest_framework.viewsets import ModelViewSet

from tests.hostile.models import Thing


class PartSerializer(serializers.Serializer):
    name = serializers.CharField()


class ThingSerializer(serializers.ModelSerializer):
    title = serializers.CharField(required=False, default="untitled")
    count = serializers.IntegerField(required=False, allow_null=True)
    price = serializers.DecimalField(max_digits=None, decimal_places=2, required=False)
    span = serializers.DurationField(required=False)
    data = serializers.JSONField(required=False)
    weight = serializers.FloatField(required=False)
    friends = serializers.PrimaryKeyRelatedField(
        many=True, queryset=Thing.objects.all(), required=False
    )
    numbers = serializers.ListField(
        child=serializers.IntegerField(), required=False, write_only=True
    )
    kind = serializers.ChoiceField(choices=["tea", "cake"], required=False, write_only=True)
    parts = PartSerializer(many=True, required=False, write_only=True)

    class Meta:
        model = Thing
        fields = [
            *["id", "title", "slug", "count", "price", "span", "data", "weight", "friends"],
            *["numbers", "kind", "parts"],
        ]

    def create(self, validated):
        for name in ("numbers", "kind", "parts"):
            validated.pop(name, None)
        return super().create(validated)


class LinkSerializer(serializers.HyperlinkedModelSerializer):
    parent = serializers.HyperlinkedRelatedField(
        view_name="thing-detail", queryset=Thing.objects.all()
    )

    class Meta:
        model = Thing
        fields = ["title", "parent"]


class Things(ModelViewSet):
    queryset = Thing.objects.all()
    serializer_class = ThingSerializer
    search_fields = ["title"]
    ordering_fields = ["title"]


class Links(ModelViewSet):
    queryset = Thing.objects.all()
    serializer_class = LinkSerializer


class Got(APIView):
    """A handler that takes the body for an object."""

    def post(self, request):
        return Response({"title": request.data.get("title")})


class Read(APIView):
    """A handler that only reads the body, whatever it is."""

    def post(self, request):
        return Response({"kind": type(request.data).__name__})


class Echo(APIView):
    """A handler that answers with what was valid."""

    def post(self, request):
        serializer = ThingSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        return Response(serializer.validated_data)


class Found(APIView):
    """A handler that filters by hand."""

    def get(self, request, slug=None):
        asked = {name: value for name, value in request.query_params.items() if name != "format"}
        if slug is not None:
            asked["slug"] = slug
        return Response([thing.title for thing in Thing.objects.filter(**asked)[:10]])
