"""Which experiments differ in one thing only: ablations of the same model, and the same model on more loans."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

ABLATED = ("leave_out", "sequences", "embedding")
SIZED = ("share",)
NO_EMBEDDING = "plain"  # a number enters as it is
FREE = ("name", "question", "seeds")  # never make two experiments different: the first seeds are compared


def group_variants(
    configs: Sequence[Mapping[str, Any]], settings: Mapping[str, Mapping[str, Any]], keys: Sequence[str]
) -> list[list[str]]:
    """Return the groups of two or more experiments that differ in nothing but `keys`, the fullest first in each.

    `configs` are configurations as reports keep them, `settings` the settings each ended with. Two experiments are
    alike where family and features agree and either what was asked for (settings and tuning) or what it ended with
    agrees, `keys` aside (embedding is one of the settings). The fullest leaves least out, adds most sequences, names
    no embedding of its own and learns from the largest share.
    """
    order = sorted(configs, key=_fullness)
    groups: list[list[Mapping[str, Any]]] = []
    for config in order:
        home = next((group for group in groups if _alike(group[0], config, settings, keys)), None)
        if home is None:
            groups.append([config])
        else:
            home.append(config)
    named = [[str(item["name"]) for item in group] for group in groups]
    return [group for group in named if len(group) > 1]


def say_variant(config: Mapping[str, Any], full: Mapping[str, Any]) -> str:
    """Return in words what an experiment lacks or has other than the full one.

    >>> full = {"leave_out": [], "sequences": ["payment_history"], "settings": {"embedding": "periodic"}}
    >>> say_variant({"leave_out": ["economy"], "sequences": [], "settings": {"embedding": "plain"}}, full)
    'without economy, without payment history, without embeddings of numbers'
    """
    lacks = [name for name in config["leave_out"] if name not in full["leave_out"]]
    lacks += [name for name in full["sequences"] if name not in config["sequences"]]
    more = [name for name in full["leave_out"] if name not in config["leave_out"]]
    more += [name for name in config["sequences"] if name not in full["sequences"]]
    said = [f"without {_spaced(name)}" for name in lacks] + [f"with {_spaced(name)}" for name in more]
    own, other = (item["settings"].get("embedding", "") for item in (config, full))
    if own != other:
        coded = f"with {own or 'default'} embeddings of numbers"
        said.append("without embeddings of numbers" if own == NO_EMBEDDING else coded)
    return ", ".join(said) or "once more"


def _spaced(name: str) -> str:
    return name.replace("_", " ")


def _fullness(config: Mapping[str, Any]) -> tuple[Any, ...]:
    coded = "embedding" in config["settings"]
    return (len(config["leave_out"]), -len(config["sequences"]), coded, -float(config["share"]), str(config["name"]))


def _alike(
    one: Mapping[str, Any], other: Mapping[str, Any], settings: Mapping[str, Mapping[str, Any]], keys: Sequence[str]
) -> bool:
    shared = [key for key in one if key not in (*FREE, *keys, "settings", "tuning")]
    if any(_bare(one[key]) != _bare(other[key]) for key in shared) or one["seeds"][0] != other["seeds"][0]:
        return False
    asked = [(_without(item["settings"], keys), _search(item["tuning"], keys)) for item in (one, other)]
    ended = [_without(settings[str(item["name"])], keys) for item in (one, other)]
    return asked[0] == asked[1] or ended[0] == ended[1]


def _search(tuning: Mapping[str, Any], keys: Sequence[str]) -> Any:
    """Return what was searched; where nothing was, the rest of the budget means nothing."""
    if not tuning["trials"]:
        return None
    return {**{key: tuning[key] for key in tuning if key != "space"}, "space": _without(tuning["space"], keys)}


def _without(values: Mapping[str, Any], keys: Sequence[str]) -> Any:
    return _bare({key: value for key, value in values.items() if key not in keys})


def _bare(value: Any) -> Any:
    """Return a value as JSON would give it back: tuples and lists are the same."""
    return json.loads(json.dumps(value))
