"""For `include("api_guard.requests.urls")`: users with a session ask and decide."""

from api_guard.requests.routes import NAMESPACE, first_party

app_name = NAMESPACE
urlpatterns = first_party()
