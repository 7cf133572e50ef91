"""Loaded by pytest before Django's settings (`-p tests.environment`): tests have a data folder of their own."""

import os
import tempfile
from pathlib import Path

if "PYTEST_XDIST_WORKER" not in os.environ:
    # Chosen once, inherited by xdist's workers and by every process that a test starts.
    os.environ["CALLCOV_DATA_DIR"] = tempfile.mkdtemp(prefix="callcov-test-")
for name in list(os.environ):
    if name.startswith("CALLCOV_") and name not in {"CALLCOV_DATA_DIR", "CALLCOV_TEST_REQUIRE", "CALLCOV_DATABASE_URL"}:
        del os.environ[name]
(Path(os.environ["CALLCOV_DATA_DIR"]) / "static").mkdir(exist_ok=True)  # what collectstatic would make
os.environ["CALLCOV_ENGINE_MODEL"] = "scripted"
os.environ["PGOPTIONS"] = "-c synchronous_commit=off"  # no test's rows have to outlive PostgreSQL's server
os.environ["OPENBLAS_NUM_THREADS"] = "1"  # the tests take all cores already: its threads would only wait for each other
