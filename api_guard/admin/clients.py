"""The pages of clients: whose they are, how old their secrets are, and their tokens."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from api_guard import grants, tokens
from api_guard.admin.client_rows import described, lines_of
from api_guard.admin.ending import end_tokens
from api_guard.admin.finding import as_found, grantee_at, matching
from api_guard.admin.lists import MOST_ROWS
from api_guard.admin.managers import authority_of, person_of
from api_guard.admin.pages import Listed, Noun, PageAdmin, term_of
from api_guard.admin.viewing import access_url, change_url, client_url, may_see, viewer_of
from api_guard.core.scopes import EVERY_SCOPE
from api_guard.models import Access, Client

_USERS = 20
_NOUN = Noun(_("client"), _("clients"))


@admin.register(Client)
class ClientAdmin(PageAdmin):
    """Seen with `view_client`; tokens are revoked by who may give what the client holds."""

    search_help_text = _("Words of the name, or of the client id.")

    def get_urls(self) -> list[URLPattern]:
        """Add the page of one client."""
        view = self.admin_site.admin_view(self.client_view)
        return [*super().get_urls(), path("<str:key>/", view, name="api_guard_client")]

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        """List the clients."""
        del extra_context
        if not self.has_view_permission(request):
            raise PermissionDenied
        rows = matching("client", term_of(request), by_mail=False)
        listed = Listed(self, request, rows.select_related("user"))
        lines = lines_of(self.admin_site, request, listed.result_list)
        said: dict[str, Any] = {"cl": listed, "counted": listed.called(_NOUN), "lines": lines}
        return self.show(request, "clients.html", _("Clients and tokens"), **said)

    def client_view(self, request: HttpRequest, key: str) -> HttpResponse:
        """Show one client; revoke all its tokens."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        client: Any = grantee_at("client", key)
        if request.method == "POST":
            _revoke(request, client)
            return HttpResponseRedirect(request.path)
        site, viewer = self.admin_site, viewer_of(request)
        alive = tokens.alive(client, MOST_ROWS, _USERS)
        sees_access = may_see(site, request, Access)
        return self.show(
            request,
            "client.html",
            _("Client %(name)s") % {"name": described(client)},
            original=described(client),
            client=client,
            line=lines_of(site, request, [client])[0],
            access_url=access_url(site, "client", client.pk) if sees_access else "",
            own_url=change_url(site, client, request),
            alive=alive,
            most=MOST_ROWS,
            users=[
                (
                    as_found("user", row, by_mail=viewer.sees_all),
                    access_url(site, "user", row.pk) if sees_access else "",
                    share,
                )
                for row, share in alive.partners
            ],
            may_revoke=_may_revoke(request, client),
            list_url=client_url(site),
        )


def _may_revoke(request: HttpRequest, client: Any) -> bool:
    """Whether the viewer may end the tokens, as `grants.refuse_to_end_tokens` decides."""
    scopes = {scope for _key, scope in grants.live_keys(client)} or {EVERY_SCOPE}
    return all(map(authority_of(request).is_over, scopes))


def _revoke(request: HttpRequest, client: Any) -> None:
    reason = request.POST.get("reason", "").strip()
    if not reason:
        messages.warning(request, _("Write a reason."))
        return
    try:
        grants.refuse_reason(reason)
        with transaction.atomic(using=grants.database()):
            count = end_tokens(client, person_of(request), reason)
    except grants.GrantError as error:
        # The text may name scopes that this person may not see.
        is_hidden = error.code == "no_authority"
        said = _("You may not end the tokens of this client.") if is_hidden else error.detail
        messages.error(request, said)
        return
    said = ngettext("Revoked %(count)d token.", "Revoked %(count)d tokens and codes.", count)
    messages.success(request, said % {"count": count})
