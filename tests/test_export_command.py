"""`manage.py export`: the same tables for scripts."""

import hashlib
import json
import subprocess
import sys

import openpyxl
import pytest
from django.core.management import CommandError, call_command

from callcov_portal.models import LogEntry
from tests.factories import AgentFactory, CompletedFactory, RecordingFactory, SegmentFactory

pytestmark = pytest.mark.django_db


def test_a_table_goes_to_standard_output(capfdbinary):
    call = RecordingFactory(agent=AgentFactory(identifier="nora"))
    RecordingFactory()
    call_command("export", "calls", "--columns", "agent,call", "--filters", "agent=nora")
    assert capfdbinary.readouterr().out == f"agent,call\r\nnora,{call.pk}\r\n".encode()
    call_command("export", "calls", "--format", "jsonl", "--columns", "call", "--filters", "agent=nora")
    assert json.loads(capfdbinary.readouterr().out) == {"call": call.pk}


def test_a_file_appears_whole_with_its_manifest_beside_it(tmp_path, capsys):
    call = RecordingFactory()
    call_command("export", "calls", "--format", "xlsx", "--columns", "call", "--output", str(tmp_path / "calls.xlsx"))
    [_, row] = list(openpyxl.load_workbook(tmp_path / "calls.xlsx")["Calls"].values)
    assert row == (call.pk,)
    manifest = json.loads((tmp_path / "calls.xlsx.manifest.json").read_text())
    digest = hashlib.sha256((tmp_path / "calls.xlsx").read_bytes()).hexdigest()
    assert (manifest["rows"], manifest["sha256"], manifest["columns"]) == (1, digest, ["call"])
    assert len(list(tmp_path.iterdir())) == 2
    assert "1 rows in" in capsys.readouterr().err


def test_sensitive_data_is_shown_only_when_it_is_asked_for_and_then_logged(capfdbinary):
    SegmentFactory(analysis=CompletedFactory(), text="it is 4111", masked="it is [card number]")
    call_command("export", "segments", "--columns", "text")
    assert b"4111" not in capfdbinary.readouterr().out
    call_command("export", "segments", "--columns", "text", "--unmasked")
    assert b"4111" in capfdbinary.readouterr().out
    assert LogEntry.objects.get().act == "sensitive data exported"


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["calls", "--columns", "mood"], "no column mood"),
        (["calls", "--filters", "since=yesterday"], "since: Enter a valid date."),
        (["calls", "--format", "xlsx"], "name a file with --output"),
        (["calls", "--output", "/nonexistent/x.csv"], "It cannot be written"),
    ],
)
def test_what_cannot_be_says_why(arguments, why):
    with pytest.raises(CommandError, match=why):
        call_command("export", *arguments)


def test_a_reader_that_has_enough_ends_it_without_a_word(tmp_path):
    code = (
        "import sys; from callcov_portal.management.commands import export\n"
        "class Wish:\n"
        "    class format: streams = True\n"
        "    @staticmethod\n"
        "    def chunks(chosen, tally): return (b'x' * 65536 for _ in range(1000))\n"
        "export.connection = type('C', (), {'ensure_connection': staticmethod(lambda: None)})\n"
        "export.to_standard_output(Wish, None)\n"
    )
    start = "import os, django; os.environ['DJANGO_SETTINGS_MODULE'] = 'callcov_portal.settings'; django.setup()\n"
    with subprocess.Popen(
        [sys.executable, "-c", start + code], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        process.stdout.read(10)
        process.stdout.close()
        assert process.wait(timeout=60) == 0
        assert process.stderr.read() == b""
