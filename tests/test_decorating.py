"""Where a decorator and its import belong, in files of every form."""

from __future__ import annotations

import pytest

from api_guard.core.decorating import (
    CannotDecorateError,
    PythonFile,
    changes_only,
    decorator_at,
    definitions_of,
    import_at,
    import_line,
)
from api_guard.core.patches import inserted

LINE = "from api_guard import guard"


def decorated(data, name="V"):
    """Decorate a definition, and import the decorator."""
    source = PythonFile(data)
    added = [decorator_at(source, node, "@guard()") for node in definitions_of(source.tree, name)]
    added.insert(0, import_at(source, min(each.at for each in added), LINE))
    after = b"".join(inserted(source.lines, added))
    assert changes_only(source, after, ["@guard()", LINE])
    return after


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b"class V: pass\n", b"from api_guard import guard\n@guard()\nclass V: pass\n"),
        (
            b'"""Views."""\nclass V: pass\n',
            b'"""Views."""\nfrom api_guard import guard\n@guard()\nclass V: pass\n',
        ),
        (
            b'#!/usr/bin/env python\n# -*- coding: latin-1 -*-\nx = "\xe9"\nclass V: pass\n',
            b"#!/usr/bin/env python\n# -*- coding: latin-1 -*-\nfrom api_guard import guard\n"
            b'x = "\xe9"\n@guard()\nclass V: pass\n',
        ),
        (
            b"'Views.'\nfrom __future__ import annotations\nimport os\n\n\nclass V: pass\n",
            b"'Views.'\nfrom __future__ import annotations\nimport os\n"
            b"from api_guard import guard\n\n\n@guard()\nclass V: pass\n",
        ),
        (
            b"import os\r\n\r\nclass V:\r\n    pass\r\n",
            b"import os\r\nfrom api_guard import guard\r\n\r\n@guard()\r\nclass V:\r\n    pass\r\n",
        ),
        (
            b"\xef\xbb\xbfclass V: pass",
            b"\xef\xbb\xbffrom api_guard import guard\n@guard()\nclass V: pass",
        ),
        (
            b"from x import (\n    a,\n    b,\n)\n@a\n@b(\n    1,\n)\nclass V:\n    pass",
            b"from x import (\n    a,\n    b,\n)\nfrom api_guard import guard\n@guard()\n@a\n@b(\n"
            b"    1,\n)\nclass V:\n    pass",
        ),
        (
            b"import os; x = [\n    1,\n]\nclass V: pass\n",
            b"import os; x = [\n    1,\n]\nfrom api_guard import guard\n@guard()\nclass V: pass\n",
        ),
        (
            b"import a\n@(\n    a.b\n)\nclass V: pass\n",
            b"import a\nfrom api_guard import guard\n@guard()\n@(\n    a.b\n)\nclass V: pass\n",
        ),
        (
            b"import a\n@ \\\n  a.b\nclass V: pass\n",
            b"import a\nfrom api_guard import guard\n@guard()\n@ \\\n  a.b\nclass V: pass\n",
        ),
        (
            b"import a\n\x0c\nclass V: pass\n",
            b"import a\nfrom api_guard import guard\n\x0c\n@guard()\nclass V: pass\n",
        ),
        (
            b"import a\nif a:\n\tclass V: pass\nelse:\n\tclass V: x = 1\nimport b\n",
            b"import a\nfrom api_guard import guard\nif a:\n\t@guard()\n\tclass V: pass\nelse:\n"
            b"\t@guard()\n\tclass V: x = 1\nimport b\n",
        ),
        (
            b"try:\n  import a\nexcept ImportError:\n  class V: pass\n",
            b"from api_guard import guard\ntry:\n  import a\nexcept ImportError:\n  @guard()\n"
            b"  class V: pass\n",
        ),
        (
            b"match 1:\n  case 1:\n    async def V(): pass\n",
            b"from api_guard import guard\nmatch 1:\n  case 1:\n    @guard()\n"
            b"    async def V(): pass\n",
        ),
    ],
)
def test_both_come_where_a_person_would_write_them(before, after):
    assert decorated(before) == after


def test_a_class_in_a_class_is_found_by_its_qualified_name():
    before = b"class V:\n  x = 1\nclass A:\n  class V:\n    def f(self): pass\n"
    assert decorated(before, "A.V") == before.replace(
        b"  class V", b"  @guard()\n  class V"
    ).replace(b"class V", b"from api_guard import guard\nclass V", 1)


@pytest.mark.parametrize(
    ("data", "name", "why"),
    [
        (b"for x in 'ab':\n  class V: pass\n", "V", "loop"),
        (b"while f():\n  if x:\n    class V: pass\n", "V", "loop"),
        (b"def f():\n  class V: pass\n", "f.<locals>.V", "top level"),
        (b"def f():\n  class V: pass\n", "V", "top level"),
        (b"V = type('V', (), {})\n", "V", "top level"),
        (b"class W: pass\nV = W\n", "V", "top level"),
        (b"if x:\n  pass\nelse: V = 1\n", "V", "top level"),
    ],
)
def test_what_no_line_can_decorate_is_refused(data, name, why):
    with pytest.raises(CannotDecorateError, match=why):
        definitions_of(PythonFile(data).tree, name)


def test_a_definition_after_other_code_on_its_line_is_refused():
    source = PythonFile(b"x = 1;\\\n\nclass V: pass\n")
    [node] = definitions_of(source.tree, "V")
    moved = PythonFile(b"a\nb\nx = 2\n")
    with pytest.raises(CannotDecorateError, match="shares its line"):
        decorator_at(moved, node, "@guard()")


@pytest.mark.parametrize("data", [b"class V(:\n", b"\xff\n", b"x = 1\ry = 2\n", b"x = '\0'\n"])
def test_a_file_that_cannot_be_read_line_by_line_is_refused(data):
    with pytest.raises((SyntaxError, ValueError)):
        PythonFile(data)


def test_a_name_that_is_taken_gets_another_one():
    source = PythonFile(
        b"import guard.x\ndef f(guard_, *, PUBLIC): pass\nclass STAFF: pass\n"
        b"def g():\n  global guard__\n"
    )
    line, called = import_line("api_guard", {"guard", "PUBLIC", "STAFF"}, source.names())
    assert line == ("from api_guard import PUBLIC as PUBLIC_, STAFF as STAFF_, guard as guard___")
    assert called == {"guard": "guard___", "PUBLIC": "PUBLIC_", "STAFF": "STAFF_"}


def test_what_is_imported_already_is_found_under_its_name():
    data = b"from api_guard import guard as g, PUBLIC\nfrom .api_guard import STAFF\nimport x\n"
    assert PythonFile(data).imported("api_guard") == {"guard": "g", "PUBLIC": "PUBLIC"}


@pytest.mark.parametrize(
    "after",
    [
        b"x = 2\n@guard()\nclass V: pass\n",
        b"@guard()\nclass V: pass\n",
        b"class V(:\n",
        b"x = '\0'",
    ],
)
def test_any_other_change_is_noticed(after):
    source = PythonFile(b"x = 1\nclass V: pass\n")
    assert not changes_only(source, after, ["@guard()"])
    assert changes_only(source, b"x = 1\n@guard()\nclass V: pass\n", ["@guard()"])
