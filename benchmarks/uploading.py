"""A large upload by tus through the real web server, beside a plain Python copy of the same file with SHA-256.

`python -m benchmarks.uploading` prints both, and says by its exit status whether the upload raised no process's memory by
more than 32 MB and cost at most twice the CPU. Rounds alternate, so that a busy machine slows both down alike.
"""

import os
import re
import resource
import statistics
import subprocess
import sys
import tempfile
import time
import wave
from argparse import ArgumentParser
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import requests

from benchmarks.engine.serving import ROOT, free_port
from benchmarks.engine.usage import descendants, stats, tree_usage

MOST_MEMORY_MB = 32.0
MOST_CPU = 2.0
PASSWORD = "only for this benchmark"  # noqa: S105
MEGABYTE = 1024 * 1024
COPY = """
import hashlib, os, sys
digest = hashlib.sha256()
with open(sys.argv[1], "rb") as source, open(sys.argv[2], "wb") as target:
    while block := source.read(1024 * 1024):
        digest.update(block)
        target.write(block)
    target.flush()
    os.fsync(target.fileno())
"""


def sound(path: Path, megabytes: int) -> Path:
    """Write a WAV file of that size, stereo at 44.1 kHz, that no other has the bytes of."""
    with wave.open(str(path), "wb") as file:
        file.setparams((2, 2, 44_100, 0, "NONE", ""))
        block = os.urandom(MEGABYTE)
        for _ in range(megabytes - 1):
            file.writeframesraw(block)
        file.writeframes(block[: MEGABYTE - 4096])
    return path


def copied(source: Path, target: Path) -> float:
    """Return the CPU seconds of a Python process that copies a file and hashes it."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "-c", COPY, source, target], check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    target.unlink()
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


@contextmanager
def portal(folder: Path) -> Iterator[tuple[str, int]]:
    """Run a portal's web server; give its address and process."""
    port = free_port()
    environment = {name: value for name, value in os.environ.items() if not name.startswith("CALLCOV_")} | {
        "CALLCOV_DATA_DIR": str(folder / "data"),
        "CALLCOV_PORT": str(port),
        "CALLCOV_ADMIN_PASSWORD": PASSWORD,
    }
    command = [sys.executable, "manage.py", "serve", "--only", "web"]
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=log, stderr=log)
    try:
        address = f"http://127.0.0.1:{port}"
        wait_for(address)
        yield address, process.pid
    finally:
        process.terminate()
        process.wait(30)


def wait_for(address: str) -> None:
    """Return once a server answers."""
    deadline = time.monotonic() + 180
    while time.monotonic() < deadline:
        try:
            if requests.get(f"{address}/health", timeout=5).ok:
                return
        except requests.RequestException:
            time.sleep(0.3)
    raise TimeoutError(address)


class Browser:
    """Somebody who is signed in."""

    def __init__(self, address: str, password: str = PASSWORD) -> None:
        self.address, self.session = address, requests.Session()
        page = self.session.get(f"{address}/login/", timeout=60).text
        token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page)
        form = {"username": "admin", "password": password, "csrfmiddlewaretoken": token[1] if token else ""}
        self.session.post(f"{address}/login/", form, headers={"Referer": address}, timeout=60).raise_for_status()
        self.session.headers.update({"X-CSRFToken": self.session.cookies["csrftoken"], "Tus-Resumable": "1.0.0"})

    def upload(self, path: Path) -> str:
        """Send a file as the page does; return what became of it."""
        size = path.stat().st_size
        file = {"name": path.name, "size": size, "modified": 0}
        opened = self.post("/calls/add/batches/", json={"agent": "rachel", "files": [file]}).json()
        item = b64encode(str(opened["items"][0]["id"]).encode()).decode()
        headers = {"Upload-Length": str(size), "Upload-Metadata": f"item {item}"}
        place = self.post("/calls/add/uploads/", headers=headers).headers["Location"]
        headers = {"Upload-Offset": "0", "Content-Type": "application/offset+octet-stream"}
        with path.open("rb") as content:
            answer = self.session.patch(f"{self.address}{place}", data=content, headers=headers, timeout=600)
        answer.raise_for_status()
        return str(answer.headers["Callcov-Fate"])

    def post(self, path: str, **given: object) -> requests.Response:
        answer = self.session.post(f"{self.address}{path}", timeout=60, **given)  # type: ignore[arg-type]
        answer.raise_for_status()
        return answer


def processes(root: int) -> list[int]:
    """Return a process and all below it."""
    return [root, *descendants(root, {pid: int(fields[1]) for pid, fields in stats().items()})]


def memory_mb(pid: int, of: str) -> float:
    """Return the memory of a process, `VmRSS` now or `VmHWM` at its most, in megabytes."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return sum(int(line.split()[1]) for line in lines if line.startswith(f"{of}:")) / 1024


def uploaded(browser: Browser, path: Path, root: int) -> tuple[float, float]:
    """Upload a file; return the server's CPU seconds and by how many megabytes the process that grew most grew."""
    pids = processes(root)
    for pid in pids:
        Path(f"/proc/{pid}/clear_refs").write_text("5")  # the most so far becomes what it is now
    before, cpu = {pid: memory_mb(pid, "VmRSS") for pid in pids}, tree_usage(root).cpu
    fate = browser.upload(path)
    if '"stored"' not in fate:
        raise RuntimeError(fate)
    return tree_usage(root).cpu - cpu, max(memory_mb(pid, "VmHWM") - before[pid] for pid in pids)


def main() -> int:
    """Return the exit status."""
    parser = ArgumentParser(prog="benchmarks.uploading", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--megabytes", type=int, default=500)
    parser.add_argument("--rounds", type=int, default=3)
    asked = parser.parse_args()
    copies, uploads, growth = [], [], []
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name, portal(Path(name)) as (address, root):
        folder, browser = Path(name), Browser(address)
        browser.upload(sound(folder / "first.wav", 1))  # what is imported at the first request is no file's memory
        for number in range(asked.rounds):
            path = sound(folder / f"{number}.wav", asked.megabytes)
            copies.append(copied(path, folder / "copy"))
            cpu, grown = uploaded(browser, path, root)
            uploads.append(cpu)
            growth.append(grown)
            path.unlink()
    return said(asked.megabytes, copies, uploads, growth)


def said(megabytes: int, copies: list[float], uploads: list[float], growth: list[float]) -> int:
    """Print the figures; return 0 if both limits hold."""
    copy, upload = statistics.median(copies), statistics.median(uploads)
    ratio, grown = upload / copy, max(growth)
    print(f"A file of {megabytes} MB, median of {len(copies)} rounds")
    print(f"  Python copy with SHA-256   {copy:6.2f} s CPU")
    print(f"  upload by tus, all of it   {upload:6.2f} s CPU   {ratio:.2f} times, at most {MOST_CPU:.0f}")
    print(f"  memory of the process that grew most   +{grown:.1f} MB, at most {MOST_MEMORY_MB:.0f}")
    return 0 if ratio <= MOST_CPU and grown <= MOST_MEMORY_MB else 1


if __name__ == "__main__":
    sys.exit(main())
