"""Is a challenger worth its complexity? The text that a supervisor asks for, filled in from measured figures."""

from typing import Any

from analytics.words import format_factor, format_interval, format_p_value, format_share
from models.complexity import Complexity
from models.families import UNKNOWN_TRAINING
from pages.common import cached, cost_data, model_data
from pages.common.compare_cost_words import format_ms, format_seconds, format_size
from pages.common.compare_verdict_data import policy
from pages.common.compare_words import Words
from pages.common.provenance import describe_code
from pages.common.shell import describe_filters, plain

CERTAIN_SPREADS = 2  # a gain within two standard deviations of another seed is not the model's merit
BASIS = (
    "What is asked: the ECB guide to internal models (July 2025), on machine learning, wants performance to justify "
    "complexity against a simpler technique, explanations with their limits, and human judgement documented."
)
JUDGEMENT = (
    "Does the gain matter where the model decides: at the cut-off, in money, in the segments that the bank lends to?",
    "Do the fields that carry the PDs make economic sense, and would an expert defend each of them?",
    "Where must the model not be used, who may override it, and what takes over when it fails?",
    "Who can maintain it, explain it to a customer and answer a supervisor, also in five years?",
    "Are the data it learnt from right, lawful and still like today's, and does it treat groups fairly?",
)


class Justification:
    """The case for and against one challenger, in words and measured figures."""

    def __init__(self, words: Words, sample: str, champion: str, challenger: str) -> None:
        self.words, self.sample, self.selection = words, sample, words.selection
        self.refs = (champion, challenger)
        self.names = tuple(plain(words.labels[ref].removesuffix(" (champion)")) for ref in self.refs)
        self.measured = cost_data.measured(self.selection)
        self.found = tuple(self.measured[ref].found for ref in self.refs)
        frame = model_data.differences(self.selection, sample)
        own = frame[frame["challenger"] == challenger]
        self.changes: dict[str, dict[Any, Any]] = {row["metric"]: row for row in own.to_dict("records")}

    def title(self) -> str:
        """Return the question with its answer from the figures."""
        return f"Is {self.words.labels[self.refs[1]]} worth its complexity? {self.verdict()}"

    def verdict(self) -> str:
        """Return what the figures alone say, in a few words."""
        gain, spread = self.changes["gini"], self._spread()
        if gain["verdict"] == "worse":
            return "No: it ranks worse"
        if gain["verdict"] != "better":
            return "Not shown: its gain in ranking is no more than chance"
        if spread is None:
            return "It ranks better; how steady it is has not been measured"
        if gain["difference"] <= CERTAIN_SPREADS * spread:
            return "Not shown: another seed would change its Gini as much"
        if spread > policy(self.selection).stability_limit:
            return "It ranks better, yet is less steady than the policy allows"
        return "The figures support it; the decision is a person's"

    def _spread(self) -> float | None:
        """Return the standard deviation of the challenger's Gini over seeds, if it was measured."""
        here = self.found[1]
        return here.seeds.sd if here else None

    def markdown(self) -> str:
        """Return the whole document: title, where its figures are from, body, lines to sign."""
        schema = self.words.schema
        data_hash = cached.portfolio(self.selection).data_hash
        facts = {
            "Portfolio": schema.title + (" (synthetic)" if schema.synthetic else ""),
            "Champion and challenger": " and ".join(self.refs),
            "Model versions": self.words.models(),
            "Judged on": self.words.window(self.sample),
            "Selection": describe_filters(self.words.view),
            "Data SHA-256": data_hash,
            "Code": describe_code(),
        }
        head = "\n".join(f"- {name}: {plain(str(value))}" for name, value in facts.items())
        sign = "\n".join(f"- {line}: " for line in ("Decision", "Reasons beyond the figures", "Name and role", "Date"))
        return f"# {plain(self.title())}\n\n{head}\n\n{self.body('##')}\n\n## Decision\n\n{sign}\n"

    def body(self, mark: str = "####") -> str:
        """Return the sections: gain, cost, steadiness, what is unexplained, what a person must add."""
        parts = {
            "What it gains": self.gains(),
            "What it costs": self.costs(),
            "How steady it is": self.steadiness(),
            "What is explained and what is not": self.explained(),
            "What a person must add": list(JUDGEMENT),
        }
        texts = [f"{mark} {name}\n\n" + "\n".join(f"- {line}" for line in lines) for name, lines in parts.items()]
        return "\n\n".join([*texts, BASIS])

    def gains(self) -> list[str]:
        """Return the differences in ranking and in the size of errors, with their intervals."""
        gini, brier = self.changes["gini"], self.changes["brier"]
        said = {"better": "ranks better than", "worse": "ranks worse than"}
        first = (
            f"{self.names[1]} {said.get(gini['verdict'], 'cannot be told apart in ranking from')} {self.names[0]}: "
            f"Gini {_signed(gini, 3)}, {format_p_value(gini['p_value'])}, {self.words.window(self.sample)}."
        )
        errors = {"better": "Its PDs lie nearer to the outcomes", "worse": "Its PDs lie further from the outcomes"}
        second = errors.get(brier["verdict"], "Its PDs lie no nearer to the outcomes than chance allows")
        return [first, f"{second}: Brier score {_signed(brier, 5)}; a lower one is better."]

    def costs(self) -> list[str]:
        """Return size, time and memory of both models."""
        old, new = self.found
        if not (old and new):
            return self._unmeasured()
        lines = [_compare("Parameters", old.parameters, new.parameters, "{:,}".format, self.names)]
        lines.append(_compare("Size on disk", old.artifact_bytes, new.artifact_bytes, format_size, self.names))
        times = (old.training_seconds, new.training_seconds)
        lines.append(_compare("Training time", *times, format_seconds, self.names))
        many = (old.latency_many_ms, new.latency_many_ms)
        lines.append(_compare("Time to score 10,000 loans", *many, format_ms, self.names))
        return lines

    def _unmeasured(self) -> list[str]:
        items = {name: self.measured[ref] for name, ref in zip(self.names, self.refs, strict=True)}
        return cost_data.say_missing(self.selection, items)

    def steadiness(self) -> list[str]:
        """Return seed spread against the policy and the gain, and the flips of both models."""
        old, new = self.found
        if not (old and new):
            return self._unmeasured()
        return [self._seed_line(new), self._flip_line(old, new)]

    def _seed_line(self, new: Complexity) -> str:
        seeds, limit = new.seeds, policy(self.selection).stability_limit
        if seeds.sd is None or seeds.pd_difference is None:
            return f"Other seeds: not measured, {seeds.reason}."
        kept = "within" if seeds.sd <= limit else "above"
        part = "" if seeds.rows == seeds.rows_there else f", fitted on {seeds.rows:,} of {seeds.rows_there:,} rows"
        if not seeds.sd:
            return (
                f"Fitted again with {len(seeds.seeds)} seeds{part}, it comes out the same each time: nothing in its "
                "fitting is left to chance on so many rows."
            )
        gain = self.changes["gini"]["difference"]
        ratio = f" The difference in Gini is {format_factor(abs(gain) / seeds.sd)} times that."
        return (
            f"Fitted again with {len(seeds.seeds)} seeds{part}, its Gini {seeds.sample} has a standard deviation of "
            f"{seeds.sd:.4f}, {kept} the policy's limit of {limit:g}; one {self.words.schema.subject}'s PDs differ by "
            f"{format_share(seeds.pd_difference, 3)} on average between two seeds.{ratio}"
        )

    def _flip_line(self, old: Complexity, new: Complexity) -> str:
        shares = [
            f"{name} changes {format_share(item.perturbed.flipped, 2)} of its decisions"
            if item.perturbed.flipped is not None
            else f"{name} has no number that could be moved"
            for name, item in zip(reversed(self.names), (new, old), strict=True)
        ]
        approved = new.perturbed.approved or old.perturbed.approved
        return (
            f"With every number moved up or down by 5 %, at {format_share(approved)} approved, "
            f"{shares[0]} and {shares[1]}."
        )

    def explained(self) -> list[str]:
        """Return how far attributions reach, for both models, and what they do not say."""
        lines = [self._reach(ref, name) for ref, name in zip(self.refs, self.names, strict=True)]
        gaps = [cost_data.card(self.selection, ref).get("additivity_error") for ref in self.refs]
        if gaps[1] is None:
            lines.append("Nothing here says why it ranks as it does: reasons for a customer must come from its maker.")
        if gaps != [None, None]:
            lines.append(
                "Attributions say what moved the model, not what makes a customer default. Fields that act together "
                "share their effect between them: how they do so is not shown by the attributions alone."
            )
        if foreign := [
            view.label for view in self.words.views if view.family in UNKNOWN_TRAINING and view.ref in self.refs
        ]:
            lines.append(f"What {plain(' and '.join(foreign))} learnt from is not known; its figures may flatter it.")
        return lines

    def _reach(self, ref: str, name: str) -> str:
        """Return how a model is explained: do attributions add up, how many fields carry half, are signs forced?"""
        card = cost_data.card(self.selection, ref)
        error, half = card.get("additivity_error"), cost_data.half_of_attributions(self.selection, ref)
        if error is None:
            return f"{name}: unexplained. Without the model there are no attributions."
        text = f"{name}: attributions add up to its log-odds (largest gap {error:.0e})"
        if half:
            text += f"; {half[0]} of the {half[1]} fields it uses carry half of all attributions"
        signs = sum(item["kind"] == "number" and bool(item["sign"]) for item in card["features"])
        numbers = sum(item["kind"] == "number" for item in card["features"])
        if card["family"] in ("scorecard", "boosting"):
            return f"{text}; {signs} of its {numbers} numbers can only act in the direction that the schema expects."
        return f"{text}; nothing forces a field to act in the direction that an expert expects."


def _signed(row: dict[str, Any], digits: int) -> str:
    interval = format_interval(row["low"], row["high"], digits=digits)
    return f"{row['difference']:+.{digits}f} {interval}".replace("-", "−")


def _compare(what: str, old: Any, new: Any, say: Any, names: tuple[str, ...]) -> str:
    """Return one figure of both models and how many times as much the challenger takes."""
    told = [say(value) if value is not None else "not known" for value in (new, old)]
    times = f", {format_factor(new / old)} times {names[0]}'s" if new and old else ""
    return f"{what}: {told[0]} for {names[1]}, {told[1]} for {names[0]}{times}."
