"""The demo from nothing: generator, snapshots, three trainings, scoring with attributions of the latest snapshot."""

import sys
import tempfile

from common import Row, run_measured


def measure() -> list[Row]:
    with tempfile.TemporaryDirectory() as folder:
        seconds, memory = run_measured(sys.executable, "cli.py", "demo", "--workspace", folder)
    return [Row("demo build, 50,000 loans, three models", f"{seconds:.0f} s", "≤ 120 s", seconds <= 120),
            Row("demo build, peak memory", f"{memory:.1f} GB", "≤ 4 GB", memory <= 4)]  # fmt: skip


if __name__ == "__main__":
    print(*measure(), sep="\n")
