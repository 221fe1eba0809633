"""Validate: does the model pass the supervisor's tests, grade by grade, and what opinion follows?"""

from pages.common import shell, validate_parts, validate_words
from portfolio.errors import HypothecError

view = shell.open_page("Validate", "Does the model pass the supervisor's tests, and what opinion follows?")
try:
    models = validate_words.validated_models(view)
    if not models:
        shell.stop_with(
            "There is nothing to validate yet: no model has scored loans whose outcome is known.",
            f"`python cli.py score --portfolio {view.selection.portfolio}` scores every snapshot.",
        )
    words = validate_parts.choose(view, models)
    validate_parts.verdict(words)
except ValueError as error:
    shell.stop_with(f"No validation: {shell.plain(str(error))}.", "Clear the filters, or choose another model or date.")
except HypothecError as error:
    shell.stop_with(str(error))
validate_parts.section(words)
