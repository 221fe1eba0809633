"""One contract for all families: what every model must do, whoever made it."""

import warnings

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.compose import make_column_transformer
from sklearn.ensemble import RandomForestClassifier
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

from models.encoding import Feature
from models.external import External
from models.families import FITTED_HERE, family_class
from portfolio.errors import HypothecError
from tests.models.toy import FEATURES, make_loans

FITTED = tuple(name for name in FITTED_HERE if name != "sequence")  # that one needs a sequence: see its own tests
FAMILIES = (*FITTED, "external")
LIMITS = {"scorecard": 1e-6, "boosting": 1e-6, "neural": 2e-4, "external": 1e-6,
          "mlp": 2e-4, "tabm": 2e-4, "additive": 1e-4, "competing": 2e-4, "logistic": 1e-9}  # fmt: skip
QUICK = {  # small networks and few passes: the contract asks what a model does, not how good it gets
    "mlp": {"epochs": 2, "hidden": (32, 16)},
    "tabm": {"epochs": 2, "hidden": (32,), "submodels": 4},
    "additive": {"epochs": 4, "pairs": 2},
    "competing": {"epochs": 2, "hidden": (32,)},
}


def make_model(family, frame, outcome, seed=0, features=FEATURES):
    if family != "external":
        model = family_class(family)(features=features, random_state=seed, **QUICK.get(family, {}))
        held = np.arange(len(frame)) % 5 == 0
        model.fit(frame[~held], outcome[~held], validation=(frame[held], outcome[held]))
        return model.calibrate(frame[held], outcome[held])
    numbers = [item.name for item in features if item.kind == "number"]
    words = [item.name for item in features if item.kind == "category"]
    columns = make_column_transformer((SimpleImputer(), numbers), (OneHotEncoder(handle_unknown="ignore"), words))
    forest = make_pipeline(columns, RandomForestClassifier(20, min_samples_leaf=20, random_state=seed))
    names = [item.name for item in features]
    return External(features, seed).wrap(forest.fit(frame[names], outcome), frame)


@pytest.fixture(scope="module")
def fitted():
    frame, outcome = make_loans()
    return {family: make_model(family, frame, outcome) for family in FAMILIES}


@pytest.mark.parametrize("family", FAMILIES)
class TestContract:
    def test_probabilities_are_probabilities(self, fitted, family, loans):
        proba = fitted[family].predict_proba(loans[0])
        assert proba.shape == (len(loans[0]), 2)
        assert np.isfinite(proba).all()
        assert (proba >= 0).all()
        assert (proba <= 1).all()
        np.testing.assert_allclose(proba.sum(axis=1), 1)

    def test_learns_what_is_there(self, fitted, family):
        frame, outcome = make_loans(seed=1)
        risk = fitted[family].predict_proba(frame)[:, 1]
        events, others = risk[outcome == 1], risk[outcome == 0]
        auc = (events[:, None] > others[None, :]).mean()
        assert auc > 0.72  # the true log-odds reach 0.80 on these loans
        assert 0.8 < risk.mean() / outcome.mean() < 1.25

    def test_same_seed_same_output(self, fitted, family, loans):
        again = make_model(family, *loans)
        np.testing.assert_array_equal(again.predict_proba(loans[0]), fitted[family].predict_proba(loans[0]))

    def test_save_and_load_are_identical(self, fitted, family, loans, tmp_path):
        model = fitted[family]
        model.save(tmp_path)
        loaded = family_class(family).load(tmp_path)
        np.testing.assert_array_equal(loaded.predict_proba(loans[0]), model.predict_proba(loans[0]))
        rows, background = loans[0][:5], loans[0][100:140]
        pd.testing.assert_frame_equal(loaded.explain(rows, background).values, model.explain(rows, background).values)

    def test_attributions_add_up_to_the_log_odds(self, fitted, family, loans):
        rows, background = loans[0][:40], loans[0][200:260]
        done = fitted[family].explain(rows, background)
        total = done.base + done.values.sum(axis=1).to_numpy()
        assert np.abs(total - fitted[family].predict_log_odds(rows)).max() <= LIMITS[family]
        assert done.error <= LIMITS[family]
        # The base is the mean log-odds of the background: the same meaning for every family.
        assert done.base == pytest.approx(fitted[family].predict_log_odds(background).mean(), abs=1e-4)

    def test_a_feature_that_does_not_matter_gets_nothing(self, family):
        frame, outcome = make_loans(1500)
        frame["noise"] = 1.0
        frame.loc[0, "noise"] = 2.0  # not constant, so that families with a constant check accept it
        model = make_model(family, frame, outcome, features=(*FEATURES, Feature("noise", "number")))
        done = model.explain(frame[10:20], frame[20:50])  # same noise in rows and background: a dummy player
        assert np.abs(done.values["noise"]).max() < 1e-6

    def test_missing_column_is_refused_by_name(self, fitted, family, loans):
        with pytest.raises(HypothecError, match="'ltv'"):
            fitted[family].predict_proba(loans[0].drop(columns="ltv"))

    def test_text_in_a_number_is_refused(self, fitted, family, loans):
        with pytest.raises(HypothecError, match="'ltv' must hold numbers"):
            fitted[family].predict_proba(loans[0].assign(ltv="high"))

    def test_order_of_rows_and_columns_does_not_matter(self, fitted, family, loans):
        frame = loans[0][:200]
        shuffled = frame.sample(frac=1, random_state=3)[list(frame.columns[::-1])]
        np.testing.assert_allclose(fitted[family].predict_log_odds(shuffled),
                                   fitted[family].predict_log_odds(frame)[shuffled.index], atol=1e-5)  # fmt: skip

    def test_unseen_category_and_all_missing_row_are_scored(self, fitted, family, loans):
        odd = loans[0][:2].copy().astype({"region": object})
        odd["region"] = ["Atlantis", None]
        odd.loc[odd.index[1], ["ltv", "debt_service", "unemployment"]] = np.nan
        assert np.isfinite(fitted[family].predict_log_odds(odd)).all()

    def test_no_rows_give_no_scores(self, fitted, family, loans):
        assert fitted[family].predict_log_odds(loans[0][:0]).shape == (0,)

    def test_input_is_not_changed(self, fitted, family, loans):
        before = loans[0].copy()
        fitted[family].predict_proba(loans[0])
        pd.testing.assert_frame_equal(before, loans[0])


@pytest.mark.parametrize("family", FITTED)
class TestTrainable:
    def test_constructor_parameters_survive_clone(self, family):
        model = family_class(family)(features=FEATURES, random_state=7)
        assert clone(model).get_params() == model.get_params()

    @pytest.mark.parametrize("labels", [np.zeros(100), np.ones(100)])
    def test_one_class_is_refused(self, family, loans, labels):
        with pytest.raises(HypothecError, match="with and without the event"):
            family_class(family)(features=FEATURES).fit(loans[0][:100], labels)

    @pytest.mark.parametrize("label", [2, np.nan, -1])
    def test_other_labels_are_refused(self, family, loans, label):
        outcome = loans[1][:100].astype(float)
        outcome[3] = label
        with pytest.raises(HypothecError, match="0 or 1"):
            family_class(family)(features=FEATURES).fit(loans[0][:100], outcome)

    def test_all_missing_feature_is_refused_by_name(self, family, loans):
        with pytest.raises(HypothecError, match="'unemployment' has no value"):
            family_class(family)(features=FEATURES).fit(loans[0].assign(unemployment=np.nan), loans[1])

    @pytest.mark.parametrize("kind", ["number", "category"])
    def test_only_numbers_or_only_categories(self, family, loans, kind):
        features = tuple(item for item in FEATURES if item.kind == kind)
        model = make_model(family, *loans, features=features)
        done = model.explain(loans[0][:5], loans[0][50:80])
        assert list(done.values.columns) == [item.name for item in features]

    def test_no_warnings_and_no_chatter(self, family, loans, capfd):
        with warnings.catch_warnings():
            warnings.simplefilter("error", category=FutureWarning)
            make_model(family, *loans).predict_proba(loans[0][:10])
        out, _ = capfd.readouterr()
        assert out == ""

    def test_ten_thousand_categories(self, family):
        frame, outcome = make_loans(12_000)
        frame["street"] = [f"Street {i % 10_000}" for i in range(len(frame))]
        model = make_model(family, frame, outcome, features=(*FEATURES, Feature("street", "category")))
        assert np.isfinite(model.predict_log_odds(frame)).all()


@pytest.mark.parametrize("family", ["scorecard", "boosting"])  # the network has no monotone constraint
def test_higher_risk_where_the_sign_says_so(family, loans):
    model = make_model(family, *loans)
    grid = pd.concat([loans[0].iloc[[5]]] * 40, ignore_index=True).assign(ltv=np.linspace(0.2, 1.3, 40))
    assert (np.diff(model.predict_log_odds(grid)) >= -1e-12).all()
