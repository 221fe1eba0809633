"""What the benchmarks share: a measured process, the machine's description, a row of the table."""

import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
PEERS = ROOT / "benchmarks" / ".peers"
sys.path.insert(0, str(ROOT))


@dataclass(frozen=True)
class Row:
    """One line of the table: what was measured, the figure, its bar or peer, and whether it is met."""

    what: str
    measured: str
    bar: str
    met: bool | None

    def as_dict(self) -> dict[str, object]:
        """Return the row as plain data."""
        return asdict(self)


def run_measured(*command: str, **env: str) -> tuple[float, float]:
    """Run a command; return its seconds and its peak memory in GB (the largest single process)."""
    started = time.perf_counter()
    with tempfile.TemporaryFile("w+") as errors:
        process = subprocess.Popen(
            command, cwd=ROOT, env={**os.environ, **env}, stdout=subprocess.DEVNULL, stderr=errors
        )
        # wait4 gives this one process's peak; RUSAGE_CHILDREN would give the largest of all so far.
        _, status, used = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - started
        if status:
            errors.seek(0)
            raise SystemExit(f"{' '.join(command)} failed:\n{errors.read()[-2000:]}")
    return seconds, used.ru_maxrss / 1024**2


def percentile(values: list[float], share: float) -> float:
    """Return the value that `share` of the values do not exceed."""
    return sorted(values)[max(0, -(-int(len(values) * share * 1000) // 1000) - 1)]


def median(values: list[float]) -> float:
    """Return the middle value."""
    return statistics.median(values)


def machine() -> dict[str, object]:
    """Return what the figures were measured on."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1024**3
    model = next((line.split(":")[1].strip() for line in Path("/proc/cpuinfo").read_text().splitlines()
                  if line.startswith("model name")), platform.processor())  # fmt: skip
    return {"cores": os.cpu_count(), "memory_gb": round(memory, 1), "processor": model,
            "python": platform.python_version(), "system": platform.platform()}  # fmt: skip


def peer_python() -> str:
    """Return the interpreter of the peers' own environment, made on first use and when its pins change."""
    python = PEERS / "bin" / "python"
    pinned, installed = ROOT / "benchmarks" / "requirements-peers.txt", PEERS / "installed.txt"
    if not installed.exists() or installed.read_text() != pinned.read_text():
        subprocess.run([sys.executable, "-m", "venv", str(PEERS)], check=True)
        install = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r", str(pinned)]
        subprocess.run([str(python), *install], check=True)
        installed.write_text(pinned.read_text())
    return str(python)
