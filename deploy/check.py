#!/usr/bin/env python3
"""Checks what has no schema: alarms and panels are PromQL, nginx's file is nginx's language."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import crossplane
import promql_parser
import yaml

HERE = Path(__file__).parent


def expressions() -> Iterator[str]:
    """Give every expression of the alarms and of the dashboard."""
    rules = yaml.safe_load((HERE / "prometheus-rules.yml").read_text())
    for group in rules["groups"]:
        yield from (rule["expr"] for rule in group["rules"])
    dashboard = json.loads((HERE / "grafana-dashboard.json").read_text())
    for panel in dashboard["panels"]:
        yield from (target["expr"] for target in panel["targets"])


def lost_resources() -> set[str]:
    """Return the manifests that the kustomization names and are missing, or does not name."""
    folder = HERE / "kubernetes"
    named = yaml.safe_load((folder / "kustomization.yaml").read_text())["resources"]
    return {path.name for path in folder.glob("*.yaml")} ^ {*named, "kustomization.yaml"}


def main() -> None:
    """End with the first thing that is wrong."""
    for expression in expressions():
        promql_parser.parse(expression)
    if lost := lost_resources():
        sys.exit(f"kustomization.yaml and the folder differ in {sorted(lost)}")
    parsed = crossplane.parse(str(HERE / "nginx" / "isbitcoinlit.conf"))
    if parsed["status"] != "ok":
        sys.exit(f"nginx: {parsed['errors']}")


if __name__ == "__main__":
    main()
