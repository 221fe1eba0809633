"""The demo's borrowers: where they live, how old, what work, what income, and how frail (nobody sees that)."""

from dataclasses import dataclass

import numpy as np

from portfolio.demo.arrays import FloatArray, IntArray
from portfolio.demo.geography import COUNTRY_SHARES, REGIONS, regions_of
from portfolio.demo.macro import Macro

EMPLOYMENT = ("permanent", "temporary", "self-employed", "pensioner")
GENDERS = ("female", "male")
NATIONALITIES = ("national", "other EU", "non-EU")

# Per country: Netherlands, Belgium, Italy.
MEDIAN_INCOME = (66_000, 46_000, 38_000)  # of a household at origination, mid-2015, euro a year
LEAST_INCOME = 6_000
INCOME_SPREAD = (0.38, 0.40, 0.45)
WORK_SHARES = ((0.73, 0.10, 0.17), (0.78, 0.07, 0.15), (0.68, 0.09, 0.23))
NATIONALITY_SHARES = (0.86, 0.06, 0.08)
SECOND_LOAN_TRIES = 0.18  # about a quarter of them find a borrower of the same country and a fitting age


@dataclass
class Borrowers:
    """The borrower of each loan of a chunk; `owner` is the position of the borrower's first loan."""

    owner: IntArray
    country: IntArray
    region: IntArray
    gender: IntArray
    nationality: IntArray
    age: FloatArray  # years at origination
    employment: IntArray
    relative_income: FloatArray  # log of income over the country's median at the time
    income: FloatArray  # euro a year at origination
    wage: FloatArray  # the country's wage level at origination, mid-2015 = 1
    frailty: FloatArray  # standard normal, unobserved

    def settle(self, rng: np.random.Generator, macro: Macro, origination: IntArray) -> None:
        """Give second loans to borrowers and set incomes, once it is known when each loan is granted."""
        self._share_borrowers(rng, origination)
        level = np.array([region.price_level for region in REGIONS])[self.region]
        self.wage = macro.wages[origination, self.country]
        self.relative_income = self.relative_income + 0.5 * np.log(level)
        median = np.array(MEDIAN_INCOME)[self.country]
        earned = np.maximum(median * self.wage * np.exp(self.relative_income), LEAST_INCOME)
        self.income = np.asarray(np.round(earned), dtype=np.float64)

    def _share_borrowers(self, rng: np.random.Generator, origination: IntArray) -> None:
        """Make some loans a second loan of another loan's borrower, if his age then allows."""
        size = len(self.owner)
        second = rng.random(size) < SECOND_LOAN_TRIES
        other = rng.integers(0, size, size)
        age = self.age[other] + (origination - origination[other]) / 12
        taken = second & ~second[other] & (self.country == self.country[other]) & (age >= 22) & (age <= 72)
        self.owner = np.where(taken, other, self.owner)
        for name in ("country", "region", "gender", "nationality", "employment", "relative_income", "frailty"):
            setattr(self, name, getattr(self, name)[self.owner])
        self.age = np.where(taken, age, self.age)


def draw_borrowers(rng: np.random.Generator, size: int) -> Borrowers:
    """Draw `size` borrowers; ages and work do not depend on gender, incomes differ by work and nationality."""
    country = rng.choice(3, size, p=COUNTRY_SHARES)
    region = np.zeros(size, dtype=np.int64)
    for number in range(3):
        mine = np.flatnonzero(country == number)
        weights = np.array([REGIONS[index].weight for index in regions_of(number)])
        region[mine] = rng.choice(regions_of(number), len(mine), p=weights / weights.sum())
    age = np.clip(rng.normal(39, 9.5, size), 21, 70)
    nationality = rng.choice(3, size, p=NATIONALITY_SHARES)
    work = (rng.random(size)[:, None] > np.cumsum(WORK_SHARES, axis=1)[country][:, :2]).sum(axis=1)
    work = np.where((nationality == 2) & (rng.random(size) < 0.10), 1, work)
    work = np.where(age > 64, 3, work).astype(np.int64)
    spread = np.array(INCOME_SPREAD)[country] * np.array((1.0, 0.9, 1.25, 0.8))[work]
    log_income = spread * rng.standard_normal(size) + np.array((0.02, -0.22, 0.04, -0.30))[work]
    return Borrowers(
        owner=np.arange(size),
        country=country,
        region=region,
        gender=rng.integers(0, 2, size),
        nationality=nationality,
        age=age,
        employment=work,
        relative_income=log_income - 0.08 * (nationality == 2),
        income=np.zeros(size),
        wage=np.ones(size),
        frailty=rng.standard_normal(size),
    )
