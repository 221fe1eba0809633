"""The registry: versions, aliases, and no file loaded whose hash is not the recorded one."""

import json

import pytest

from models.families import family_class
from models.registry import (
    check_files,
    display_name,
    load_card,
    load_model,
    load_registry,
    manifest_path,
    promote,
    register,
)
from portfolio.errors import HypothecError
from tests.models.toy import FEATURES


@pytest.fixture
def scorecard(loans):
    return family_class("scorecard")(FEATURES).fit(*loans)


def test_versions_count_up_and_aliases_go_to_the_first(toy, scorecard):
    first = register(toy, "scorecard", scorecard, {})
    again = register(toy, "scorecard", scorecard, {})
    other = register(toy, "other", scorecard, {})
    registry = load_registry(toy)
    assert [str(entry.ref) for entry in (first, again, other)] == ["scorecard/1", "scorecard/2", "other/1"]
    assert registry.aliases == {"champion": "scorecard/1", "challenger": "other/1"}
    assert registry.find("champion") == first
    assert registry.find("scorecard") == again
    assert registry.find("scorecard/1") == first


def test_an_alias_keeps_its_version_in_use_when_a_newer_one_exists(toy, scorecard):
    register(toy, "scorecard", scorecard, {})
    register(toy, "scorecard", scorecard, {})
    registry = load_registry(toy)
    assert [display_name(registry, entry) for entry in registry.latest()] == ["Scorecard 1 (champion)", "Scorecard 2"]
    promote(toy, "scorecard/2", "champion")
    assert [str(entry.ref) for entry in load_registry(toy).latest()] == ["scorecard/2"]


def test_a_newer_challenger_follows_by_itself_and_a_champion_does_not(toy, scorecard):
    for name in ("scorecard", "boosting", "boosting", "scorecard", "neural"):
        register(toy, name, scorecard, {})
    assert load_registry(toy).aliases == {"champion": "scorecard/1", "challenger": "boosting/2"}
    shown = [str(entry.ref) for entry in load_registry(toy).latest()]
    assert shown == ["scorecard/1", "boosting/2", "scorecard/2", "neural/1"]


@pytest.mark.parametrize("file", ["scorecard.json", "card.json", "points.csv"])
def test_one_flipped_byte_is_refused_by_name(toy, scorecard, file):
    entry = register(toy, "scorecard", scorecard, {})
    path = toy.models / "scorecard" / "1" / file
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(HypothecError, match=file):
        load_model(toy, entry)


def test_a_missing_file_is_refused_by_name(toy, scorecard):
    entry = register(toy, "scorecard", scorecard, {})
    (toy.models / "scorecard" / "1" / "scorecard.json").unlink()
    with pytest.raises(HypothecError, match=r"scorecard\.json is missing"):
        load_model(toy, entry)


def test_a_pickle_is_not_opened_before_its_hash_is_checked(toy, loans, monkeypatch):
    entry = register(toy, "boosting", family_class("boosting")(FEATURES, iterations=3).fit(*loans), {})
    (toy.models / "boosting" / "1" / "boosting.joblib").write_bytes(b"evil")
    monkeypatch.setattr("joblib.load", lambda *_: pytest.fail("the file was unpickled"))
    with pytest.raises(HypothecError, match=r"boosting\.joblib differs"):
        load_model(toy, entry)


def test_a_broken_manifest_loads_nothing(toy, scorecard):
    register(toy, "scorecard", scorecard, {})
    manifest_path(toy).write_text('{"entries": [{}]}')
    with pytest.raises(HypothecError, match="manifest cannot be read"):
        load_registry(toy)


def test_unknown_models_and_aliases_are_named(toy, scorecard):
    register(toy, "scorecard", scorecard, {})
    with pytest.raises(HypothecError, match="no model 'boosting'; there are scorecard/1"):
        load_registry(toy).find("boosting")
    with pytest.raises(HypothecError, match="champion, challenger"):
        promote(toy, "scorecard", "favourite")


def test_card_carries_what_was_given(toy, scorecard):
    entry = register(toy, "scorecard", scorecard, {"seconds": 1.5})
    assert load_card(toy, entry) == {"name": "scorecard", "version": "1", "family": "scorecard", "seconds": 1.5}
    assert set(json.loads(manifest_path(toy).read_text())["entries"][0]["files"]) == {
        "card.json", "points.csv", "scorecard.json"}  # fmt: skip
    assert check_files(toy, entry).name == "1"


def test_a_model_is_not_called_like_an_alias(toy, scorecard):
    with pytest.raises(HypothecError, match="'champion' is an alias"):
        register(toy, "champion", scorecard, {})
