"""Which explainer a model trained elsewhere gets, whether it is right, and what the card and the command say of it."""

import joblib
import lightgbm
import numpy as np
import pandas as pd
import pytest
import xgboost
from click.testing import CliRunner
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import make_column_transformer
from sklearn.decomposition import PCA
from sklearn.ensemble import GradientBoostingClassifier, HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, SGDClassifier
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, PolynomialFeatures, StandardScaler
from threadpoolctl import threadpool_limits

from cli import main
from models.encoding import Feature
from models.explainers import Parts, Walks, find_owners
from models.external import External, describe_explainer, explainer_lines
from models.registry import load_card, load_registry
from portfolio.errors import HypothecError
from tests.models.shapley import coalition_worths, enumerate_shapley
from tests.models.toy import FEATURES, make_loans, write_portfolio

NUMBERS = ["ltv", "debt_service", "unemployment"]
NAMES = [item.name for item in FEATURES]


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    with threadpool_limits(1, "openmp"):
        yield


def onehot():
    numbers = make_pipeline(SimpleImputer(add_indicator=True), StandardScaler())
    return make_column_transformer((numbers, NUMBERS), (OneHotEncoder(handle_unknown="ignore"), ["region"]))


def ordinal():
    codes = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1)
    return make_column_transformer((codes, ["region"]), (SimpleImputer(), NUMBERS))


def hist(**options):
    return HistGradientBoostingClassifier(max_iter=10, random_state=0, **options)


def light():
    return lightgbm.LGBMClassifier(n_estimators=10, verbose=-1, n_jobs=1)


def extreme(**options):
    return xgboost.XGBClassifier(n_estimators=10, max_depth=3, n_jobs=1, **options)


# What is delivered, on which columns it was fitted (as words, or as pandas' categories), the explainer, and how near
# to enumeration: XGBoost sums in float32, shap's trees compare in float32 as scikit-learn's older boosting does.
DELIVERED = {
    "linear": (lambda: make_pipeline(onehot(), LogisticRegression()), NAMES, False, "shap linear", 1e-9),
    "searched": (lambda: GridSearchCV(make_pipeline(onehot(), LogisticRegression()), {"logisticregression__C": [1]}),
                 NAMES, False, "shap linear", 1e-9),
    "boosted": (hist, NUMBERS, False, "exact leaf patterns", 1e-9),
    "boosted pipeline": (lambda: make_pipeline(ordinal(), hist()), NAMES, False, "exact leaf patterns", 1e-9),
    "boosted categories": (lambda: hist(categorical_features="from_dtype"), NAMES, True, "exact leaf patterns", 1e-9),
    "light": (light, NUMBERS, False, "exact leaf patterns", 1e-9),
    "light categories": (light, NAMES, True, "exact leaf patterns", 1e-9),
    "extreme pipeline": (lambda: make_pipeline(ordinal(), extreme()), NAMES, False, "exact leaf patterns", 1e-5),
    "extreme categories": (lambda: extreme(enable_categorical=True), NAMES, True, "exact leaf patterns", 1e-5),
    "old boosting": (lambda: make_pipeline(ordinal(), GradientBoostingClassifier(n_estimators=10)), NAMES, False,
                     "shap tree", 1e-6),
    "forest": (lambda: make_pipeline(ordinal(), RandomForestClassifier(10, min_samples_leaf=20, random_state=0)),
               NAMES, False, "permutation walks", 0.2),
    "mixed": (lambda: make_pipeline(onehot(), PCA(3), LogisticRegression()), NAMES, False, "permutation walks", 1e-9),
    "products": (lambda: make_pipeline(SimpleImputer(), PolynomialFeatures(2), LogisticRegression()), NUMBERS, False,
                 "permutation walks", 1e-9),
    "several columns": (lambda: make_pipeline(onehot(), light()), NAMES, False, "permutation walks", 0.2),
    "other losses": (lambda: make_pipeline(onehot(), SGDClassifier(loss="modified_huber", random_state=0)), NAMES,
                     False, "permutation walks", 3.0),
    "calibrated": (lambda: CalibratedClassifierCV(hist(), cv=2), NUMBERS, False, "permutation walks", 0.2),
}  # fmt: skip


def deliver(what):
    make, names, categories, *_ = DELIVERED[what]
    frame, outcome = make_loans()
    fitted = frame.assign(region=frame["region"].astype("category")) if categories else frame
    return make().fit(fitted[names], outcome)


def wrap(classifier):
    frame, _ = make_loans()
    kinds = {item.name: item.kind for item in FEATURES}
    features = tuple(Feature(name, kinds[name]) for name in classifier.feature_names_in_)
    model = External(features).wrap(classifier, frame)
    model.passed_over = model.choose_explainer(frame, frame.iloc[:60])
    return model, frame


@pytest.mark.parametrize("what", DELIVERED)
def test_the_explainer_is_the_most_exact_and_right(what, tmp_path):
    expected, tolerance = DELIVERED[what][3:]
    classifier = deliver(what)
    model, frame = wrap(classifier)
    assert model.explainer_name == expected
    rows, background = frame.iloc[100:108], frame.iloc[:60]
    done = model.explain(rows, background)
    X, reference = (model.encoder_.transform(part) for part in (rows, background))
    truth = enumerate_shapley(coalition_worths(model._raw_log_odds, X, reference), X.shape[1])
    assert np.abs(done.values.to_numpy() - truth).max() <= max(tolerance, 4 * done.noise.max() * (tolerance > 1e-4))
    assert done.gap.max() == done.error <= model.additivity_limit
    if expected != "permutation walks":
        assert (done.noise == 0).all()
    # The PDs are those delivered.
    given = classifier.predict_proba(model.frames(model.encoder_.transform(frame)))
    np.testing.assert_allclose(model.predict_proba(frame)[:, 1], given[:, 1].clip(1e-4, 1 - 1e-4), atol=1.1e-4)
    if expected != "permutation walks":
        np.testing.assert_allclose(model.predict_proba(frame), given, atol=1e-6)
    model.save(tmp_path)
    again = External.load(tmp_path)
    assert (again.explainer_name, again.additivity_limit) == (model.explainer_name, model.additivity_limit)
    pd.testing.assert_frame_equal(again.explain(rows, background).values, done.values)


@pytest.mark.parametrize(("what", "why"), [
    ("forest", "shap tree: its attributions miss the log-odds by up to"),
    ("mixed", "columns of several features at once"),
    ("products", "columns of several features at once"),
    ("several columns", "several columns of one feature"),
    ("other losses", "shap linear: what it explains is not the log-odds of the PDs"),
    ("linear", ""),
])  # fmt: skip
def test_says_why_a_more_exact_one_was_passed_over(what, why):
    found = wrap(deliver(what))[0].passed_over
    assert why in found if why else found == ""


def test_owners_by_hand():
    frame = pd.DataFrame({"a": [1.0, 2.0, 3.0, 4.0], "b": [0.0, 1.0, 0.0, np.nan]})

    def two_of_b(rows):
        return np.column_stack([rows["b"], rows["a"] * 2, rows["b"].isna(), np.zeros(len(rows))])

    np.testing.assert_array_equal(find_owners(two_of_b, frame, 0), [1, 0, 1, -1])
    assert find_owners(lambda rows: rows[["a"]].to_numpy() + rows[["b"]].to_numpy(), frame, 0) is None
    phi = Parts(None, None, np.array([1, 0, 1, -1])).by_feature(np.array([[1.0, 2.0, 4.0, 8.0]]), 2)
    np.testing.assert_array_equal(phi, [[2.0, 5.0]])


def test_a_preprocessing_that_looks_at_other_loans_is_not_taken_apart():
    # Ranks among the rows given: no column of a loan depends on the loan alone.
    frame = pd.DataFrame({"a": np.random.default_rng(0).normal(size=50), "b": np.arange(50.0)})
    assert find_owners(lambda rows: rows.rank().to_numpy(), frame, 0) is None


def test_what_does_not_add_up_is_refused(monkeypatch):
    model, frame = wrap(deliver("light"))
    shifted = model.explainer_.log_odds
    monkeypatch.setattr(model.explainer_, "log_odds", lambda rows: shifted(rows) + 0.1 * rows["ltv"].to_numpy())
    with pytest.raises(HypothecError, match="external model miss its log-odds by up to"):
        model.explain(frame.iloc[:5], frame.iloc[50:90])


def test_a_version_from_before_explainers_were_chosen_is_walked(tmp_path):
    model, frame = wrap(deliver("light"))
    model.save(tmp_path)
    state = joblib.load(tmp_path / "external.joblib")
    joblib.dump({key: state[key] for key in ("classifier", "encoder", "random_state")}, tmp_path / "external.joblib")
    old = External.load(tmp_path)
    assert isinstance(old.explainer_, Walks)
    assert not old.explains_all_rows
    done = old.explain(frame.iloc[:4], frame.iloc[:40])
    exact = model.explain(frame.iloc[:4], frame.iloc[:40])
    assert np.abs(done.values - exact.values).to_numpy().max() <= 4 * done.noise.max() + 1e-9


def test_how_many_loans_are_explained_follows_from_the_cost(monkeypatch):
    model, frame = wrap(deliver("forest"))
    monkeypatch.setattr(External, "measure_cost", lambda *_: 0.01)
    quick = describe_explainer(model, frame, frame.iloc[:40], model.passed_over, 5_000)
    assert quick["explains_all_rows"]  # 50 s
    slow = describe_explainer(model, frame, frame.iloc[:40], model.passed_over, 50_000)
    assert not slow["explains_all_rows"]
    why, line = explainer_lines({"explainer": slow})
    assert why.startswith("not explained more exactly, because of shap tree")
    assert line == (
        "explained by permutation walks: 0.01 s a loan, measured; 300 of 50,000 loans of the latest snapshot, about 3 s"
    )
    exact, _ = wrap(deliver("linear"))
    assert describe_explainer(exact, frame, frame.iloc[:40], "", 50_000)["explains_all_rows"]
    assert len(explainer_lines({})) == 1


def test_the_command_says_how_it_explains_before_it_does(tmp_path):
    portfolio = write_portfolio(tmp_path / "toy", *make_loans(800))
    joblib.dump(deliver("light categories"), tmp_path / "light.joblib")
    arguments = ["models", "add", str(tmp_path / "light.joblib"), "--name", "light", "--yes",
                 "--portfolio", "toy", "--workspace", str(tmp_path)]  # fmt: skip
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 0, result.output
    said = result.output.index("explained by exact leaf patterns")
    assert "all loans of the latest snapshot" in result.output
    assert said < result.output.index("Scored every snapshot")
    card = load_card(portfolio, load_registry(portfolio).find("light"))
    assert card["explainer"]["name"] == "exact leaf patterns"
    assert card["explainer"]["seconds_a_loan"] > 0
    assert card["explainer"]["loans"] == 400
