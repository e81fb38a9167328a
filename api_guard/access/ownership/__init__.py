"""Finds the objects that an object rule allows a caller, and the models that share rows."""

from api_guard.access.endpoints.owners import (
    first_hop,
    is_oneself,
    leads_to_user,
    many_to_many,
    owner_field,
)
from api_guard.access.endpoints.tables import (
    Key,
    key_in,
    keys_of,
    relatives,
    roots,
    rows_of,
    shared_root,
    tables,
)
from api_guard.access.ownership.marks import Mark, is_marked, put_mark
from api_guard.access.ownership.rules import NO_OBJECT, joins_many, narrow, restriction
from api_guard.access.ownership.views import (
    DELETING,
    READING,
    WRITING,
    Asking,
    allowed_by_views,
    is_anybodys,
    is_ruled,
    rules_over,
)

__all__ = [
    "DELETING",
    "NO_OBJECT",
    "READING",
    "WRITING",
    "Asking",
    "Key",
    "Mark",
    "allowed_by_views",
    "first_hop",
    "is_anybodys",
    "is_marked",
    "is_oneself",
    "is_ruled",
    "joins_many",
    "key_in",
    "keys_of",
    "leads_to_user",
    "many_to_many",
    "narrow",
    "owner_field",
    "put_mark",
    "relatives",
    "restriction",
    "roots",
    "rows_of",
    "rules_over",
    "shared_root",
    "tables",
]
