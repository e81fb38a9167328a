"""A plugin: a client holds the scopes of the settings of its test, and users hold all scopes."""

import os


def pytest_collection_modifyitems():
    if "guard" not in os.environ["TOOLKIT_WITH"].split():
        return
    from oauth2_provider.settings import oauth2_settings

    from api_guard import conf, grants
    from api_guard.core.scopes import Granted

    def granted(user, client_id, scopes=None):
        every = frozenset(conf.scopes())
        sides = [None if side is None else every for side in (user, client_id)]
        return Granted(*sides), ()

    grants.granted = granted
    grants.scopes_of_client = lambda client_id: frozenset(oauth2_settings.SCOPES)
