"""Vets what the serializers of adrf show, if a project uses them."""

from __future__ import annotations

import warnings
from collections.abc import Generator
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from asgiref.sync import sync_to_async

from api_guard.access.vetting.reading import settle
from api_guard.access.vetting.serializers import showing, to_show
from api_guard.access.vetting.shown import vet_shown


def wrap_async_serializers() -> None:
    """Wrap the `adata` of adrf; a second call changes nothing."""
    if find_spec("adrf") is None or find_spec("adrf.serializers") is None:
        return  # adrf has serializers since 0.1.2
    with warnings.catch_warnings():
        # `python -W error` would stop for what adrf itself imports, also where nobody uses it.
        warnings.simplefilter("ignore", DeprecationWarning)
        serializer: Any = import_module("adrf.serializers").BaseSerializer
    own = vars(serializer)["adata"]
    if isinstance(own, _Shown):
        return
    serializer.adata = _Shown(own)


class _Shown(property):
    """The `adata` of a serializer, with its objects vetted first."""

    def __init__(self, own: Any) -> None:
        super().__init__(lambda serializer: _Data(own, serializer))


class _Data:
    """Return the awaitable. adrf looks for `adata` without awaiting it."""

    def __init__(self, own: Any, serializer: Any) -> None:
        self._own = own
        self._serializer = serializer

    def __await__(self) -> Generator[Any, None, Any]:
        return self._vetted().__await__()

    async def _vetted(self) -> Any:
        serializer = self._serializer
        vetting = to_show()
        if vetting is None:
            return await self._own.__get__(serializer, type(serializer))
        vet_shown(vetting, serializer, is_read=True)
        if vetting.pending:
            await sync_to_async(settle)(vetting)
        with showing():
            return await self._own.__get__(serializer, type(serializer))
