"""The documents say what is there: every setting, every command, every file they point at."""

import ast
import re
from dataclasses import fields
from pathlib import Path

import pytest
from django.core.management import get_commands

from callcov_portal import rules
from callcov_portal.models.states import Failure, State
from callcov_portal.rules import matching, together

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "callcov_portal"
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
# Read by the tests, not by the program.
OF_TESTS = {"CALLCOV_TEST_REQUIRE"}


def names_read_from_environment() -> set[str]:
    """Return every CALLCOV_ name that the program's code asks the environment for."""
    return {name for path in PACKAGE.rglob("*.py") for name in names_read_in(ast.parse(path.read_text()))}


def names_read_in(tree: ast.AST) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(tree):
        arguments: list[ast.expr] = []
        if isinstance(node, ast.Call) and ast.unparse(node.func).startswith(
            ("env.", "os.environ", "environ", "os.getenv")
        ):
            arguments = node.args[:1]
        elif isinstance(node, ast.Subscript) and ast.unparse(node.value).endswith("environ"):
            arguments = [node.slice]
        elif isinstance(node, ast.Compare) and any(ast.unparse(side).endswith("environ") for side in node.comparators):
            arguments = [node.left]
        found |= {
            str(a.value) for a in arguments if isinstance(a, ast.Constant) and str(a.value).startswith("CALLCOV_")
        }
    return found


def documented_settings() -> list[str]:
    """Return the names in the first column of the tables of docs/configuration.md."""
    text = (ROOT / "docs" / "configuration.md").read_text()
    return re.findall(r"^\| `(\w+)` \|", text, re.MULTILINE)


def test_reading_the_environment_is_found_in_each_of_its_forms():
    code = """
env.str("CALLCOV_A", ""); env.dj_db_url("CALLCOV_B"); os.environ["CALLCOV_C"]; os.environ.get("CALLCOV_D")
"CALLCOV_E" in os.environ; other("CALLCOV_X")
"""
    assert names_read_in(ast.parse(code)) == {f"CALLCOV_{letter}" for letter in "ABCDE"}


def test_every_setting_is_documented():
    assert sorted(names_read_from_environment() - set(documented_settings())) == []


def test_every_documented_setting_exists():
    assert sorted(set(documented_settings()) - names_read_from_environment() - OF_TESTS) == []


def test_no_setting_is_documented_twice():
    assert len(documented_settings()) == len(set(documented_settings()))


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_document_names_only_settings_commands_and_targets_that_exist(path):
    text = path.read_text()
    assert set(re.findall(r"\bCALLCOV_[A-Z_]+[A-Z]\b", text)) <= set(documented_settings())
    assert set(re.findall(r"manage\.py ([a-z_]+)", text)) <= set(get_commands())
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert set(re.findall(r"`make ([a-z-]+)", text)) <= targets


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_document_points_at_files_that_exist(path):
    links = re.findall(r"\]\((?!https?:|#)([^)#]+)", path.read_text())
    assert [link for link in links if not (path.parent / link).exists()] == []


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_document_names_modules_that_exist(path):
    named = re.findall(r"`((?:callcov_portal/|tests/)?[a-z_]+/(?:[a-z_]+/)*[a-z_]+\.py)`", path.read_text())
    assert [name for name in named if not (ROOT / name).exists() and not (PACKAGE / name).exists()] == []


def test_the_catalogue_of_faults_names_tests_that_exist_and_leaves_out_no_line():
    text = (ROOT / "docs" / "reliability.md").read_text()
    written = "".join(path.read_text() for path in (ROOT / "tests").rglob("test_*.py"))
    named = set(re.findall(r"`(test_\w+)`", text))
    assert sorted(name for name in named if f"def {name}(" not in written) == []
    assert re.findall(r"^\| (R\d+) ", text, re.MULTILINE) == [f"R{number}" for number in range(1, 29)]
    assert re.findall(r"^\| (T\d+) ", text, re.MULTILINE) == [f"T{number}" for number in range(1, 26)]


def test_the_table_of_states_has_every_state_and_every_failure():
    text = (ROOT / "docs" / "architecture.md").read_text()
    table = text.partition("| from | to | by |")[2].partition("\n\n")[0]
    assert [state.name for state in State if state.name not in table] == []
    assert [failure.value for failure in Failure if f"`{failure.value}`" not in table] == []


def test_every_decision_record_is_numbered_and_says_context_decision_and_consequences():
    records = sorted((ROOT / "docs" / "adr").glob("*.md"))
    assert [int(path.name[:4]) for path in records] == list(range(1, len(records) + 1))
    for path in records:
        assert path.read_text().startswith(f"# {int(path.name[:4])}. ")
        assert re.findall(r"^## (\w+)$", path.read_text(), re.MULTILINE) == ["Context", "Decision", "Consequences"]


def test_every_public_class_and_function_says_what_it_promises():
    """Ruff checks that there is a docstring; this checks that none merely repeats the name."""
    idle = []
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef | ast.ClassDef) and (text := ast.get_docstring(node)):
                words = re.sub(r"\W", "", text).lower()
                if words == node.name.replace("_", "").lower():
                    idle.append(f"{path.name}: {node.name}")
    assert idle == []


def test_the_example_of_a_rule_is_one():
    text = (ROOT / "docs" / "rules.md").read_text()
    example = text.partition("```yaml\n")[2].partition("```")[0]
    only = rules.load(example).rules[0]
    assert only.deadline == rules.Deadline(seconds=30)
    assert only.together[0].within == 8


def test_every_check_and_every_part_of_a_rule_is_documented():
    text = (ROOT / "docs" / "rules.md").read_text()
    assert set(rules.CHECKS) <= set(re.findall(r"`(\w+)`", text))
    assert set(rules.EXPECTATIONS) <= set(re.findall(r"\w+", text))
    for part in (field.name for kind in (rules.Rule, rules.Position, rules.Deadline) for field in fields(kind)):
        assert re.search(rf"\b{part}\b", text), part
    for number in (matching.ALIKE, matching.ALIKE_SHORT, matching.ALIKE_FEWER, matching.ALIKE_ACCUSED, together.ALIKE):
        assert re.search(rf"\b{number:.0f}\b", text), number


def test_every_test_that_the_document_of_reliability_names_by_its_file_is_there():
    named = re.findall(r"`(tests/[\w/]+(?:\.py)?)(?:::(\w+))?`", (ROOT / "docs" / "reliability.md").read_text())
    assert len(named) > 30
    for path, test in named:
        assert (ROOT / path).exists(), path
        assert not test or f"def {test}(" in (ROOT / path).read_text(), f"{path}::{test}"
