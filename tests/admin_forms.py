"""Fills in the pages of grants in the admin, as a browser does."""

from __future__ import annotations

from urllib.parse import urlencode

LIST = "/admin/api_guard/scopegrant/"
ADD = f"{LIST}add/"


def giving(*grantees, **values):
    """Return the form that gives access. Grantees are rows, or texts such as `user:7`."""
    kinds = {"user": "user", "group": "group", "application": "client"}
    chosen = [
        each if isinstance(each, str) else f"{kinds[each._meta.model_name]}:{each.pk}"
        for each in grantees
    ]
    return {"grantees": chosen, "expiry": "never", "reason": "", **values}


def choose(client, action, keys, *, query="", across=False):
    """Select grants in the list, and return the address of the page that the action leads to."""
    chosen = {"action": action, "_selected_action": [str(key) for key in keys]}
    chosen |= {"select_across": "1"} if across else {}
    answer = client.post(f"{LIST}{query}", chosen)
    assert answer.status_code == 302, answer.content.decode()
    return answer["Location"]


def change(client, action, keys, *, query="", across=False, seen=1000, **values):
    """Select grants in the list, and confirm. Returns the page after it."""
    page = choose(client, action, keys, query=query, across=across)
    return client.post(page, {"reason": "", "seen": seen, **values}, follow=True)


def revoke(client, keys, **values):
    """Revoke grants from the list."""
    return change(client, "revoke", keys, **values)


def extend(client, keys, **values):
    """Change the end of grants from the list."""
    return change(client, "extend", keys, **values)


def messages(response):
    """Return what the page tells the user."""
    return [str(message) for message in response.context["messages"]]


def link(**query):
    """Return the address of the form with something chosen."""
    return f"{ADD}?{urlencode(query, doseq=True)}"
