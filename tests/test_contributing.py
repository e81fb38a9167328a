"""The map of the house names what is there, and all of it."""

import ast
import configparser
import re
from itertools import pairwise
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PAGE = (ROOT / "docs" / "contributing.md").read_text()
SHAPE = configparser.ConfigParser()
SHAPE.read(ROOT / "setup.cfg")
FLOORS = [
    {name.strip() for name in line.split("|")}
    for line in SHAPE["importlinter:contract:floors"]["layers"].split("\n")
    if line
]
PATHS = sorted(set(re.findall(r"`((?:api_guard|docs|tests|\.ci|\.github)/[\w./]*)`", PAGE)))
STEPS = re.findall(r"^\| \d+ \| [^|]+ \| ([^|]+) \| ([^|]+) \|$", PAGE, re.MULTILINE)


def defined_in(file):
    return {
        node.name
        for node in ast.walk(ast.parse((ROOT / file).read_text()))
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef))
    }


def test_the_map_is_read():
    assert len(PATHS) > 50
    assert len(STEPS) == 20


@pytest.mark.parametrize("path", PATHS)
def test_the_map_names_only_files_that_exist(path):
    assert (ROOT / path).exists()


@pytest.mark.parametrize(("files", "functions"), STEPS)
def test_each_step_of_a_request_is_where_the_map_says(files, functions):
    files, functions = re.findall(r"`([^`]+)`", files), re.findall(r"`([^`]+)`", functions)
    for file, function in zip(files, functions, strict=True):
        assert function in defined_in(file)


def test_the_map_names_everything_at_the_top():
    package = ROOT / "api_guard"
    entries = {
        f"api_guard/{each.name}" + ("/" if each.is_dir() else "")
        for each in package.iterdir()
        if each.suffix == ".py" or (each / "__init__.py").exists()
    }
    assert entries <= set(PATHS)


def test_no_file_outgrows_200_lines():
    lengths = {
        str(file.relative_to(ROOT)): len(file.read_text().splitlines())
        for file in (ROOT / "api_guard").rglob("*.py")
    }
    assert len(lengths) > 300
    assert {file: length for file, length in lengths.items() if length > 200} == {}


def test_the_picture_has_the_floors_of_the_contract():
    picture = PAGE.partition("```{graphviz}")[2].partition("```")[0]
    ranks = re.findall(r"rank=same; ([^}]+)}", picture)
    together = [{name.strip() for name in rank.split(";") if name.strip()} for rank in ranks]
    assert together == [floor for floor in FLOORS if len(floor) > 1]
    chains = re.findall(r"[\w]+(?: -> [\w]+)+", picture)
    below = {}
    for chain in chains:
        names = chain.split(" -> ")
        below.update(pairwise(names))
    found = [next(iter(FLOORS[0]))]
    while found[-1] in below:
        found.append(below[found[-1]])
    assert len(found) == len(FLOORS)
    for name, floor in zip(found, FLOORS, strict=True):
        assert name in floor
