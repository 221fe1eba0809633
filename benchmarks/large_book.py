"""A book of a million loans over 60 months: generated in chunks, in bounded memory."""

import sys
import tempfile

from common import Row, run_measured

CODE = """
from pathlib import Path
from portfolio.demo.generate import generate_history
generate_history(Path({folder!r}), loans={loans}, months=60, seed=1)
"""


def measure() -> list[Row]:
    found = {}
    for loans in (100_000, 1_000_000):  # a tenth first: peak memory must not grow with the number of loans
        with tempfile.TemporaryDirectory() as folder:
            found[loans] = run_measured(sys.executable, "-c", CODE.format(folder=folder, loans=loans))
    (small, _), (seconds, memory) = found.values()
    growth = seconds / small / 10
    return [Row("1M loans × 60 months generated", f"{seconds:.0f} s", "—", None),
            Row("… peak memory", f"{memory:.2f} GB", "≤ 4 GB", memory <= 4),
            Row("… cost per loan against 100,000 loans", f"{growth:.2f} ×", "≤ 1 ×", growth <= 1.05)]  # fmt: skip


if __name__ == "__main__":
    print(*measure(), sep="\n")
