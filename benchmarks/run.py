"""`make bench`: run every benchmark, print the table, write results.json with the machine's description."""

import json

import attributions
import comparison
import demo_build
import explanations
import field_profile
import incidents
import ingestion
import large_book
import networks
import portfolio_queries
import visits
import what_if
from common import ROOT, machine

MODULES = (demo_build, large_book, attributions, explanations, networks, visits, what_if, portfolio_queries,
           field_profile, ingestion, incidents, comparison)  # fmt: skip
MARKS = {True: "met", False: "NOT met", None: ""}


def main() -> None:
    rows = []
    for module in MODULES:
        for row in module.measure():
            rows.append(row)
            print(f"{row.what:52} {row.measured:>16}   {row.bar:30} {MARKS[row.met]}", flush=True)
    described = machine()
    print("on", ", ".join(f"{key} {value}" for key, value in described.items()))
    body = {"machine": described, "rows": [row.as_dict() for row in rows]}
    (ROOT / "benchmarks" / "results.json").write_text(json.dumps(body, indent=2, ensure_ascii=False))


if __name__ == "__main__":
    main()
