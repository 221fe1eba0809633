"""Experiments: which model wins the contest, is its lead clear, and what does it cost?"""

from pages.common import experiments_parts, experiments_words, shell
from portfolio.errors import HypothecError

view = shell.open_page(
    "Experiments", "Which architecture wins on this portfolio, is the lead clear, and what does it cost?"
)
try:
    words = experiments_words.Words(view)
    if problem := words.problem():
        shell.stop_with(*problem)
    experiments_parts.draw(words)
except HypothecError as error:
    shell.stop_with(str(error))
