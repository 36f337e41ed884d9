"""Searches that have a journal: what is done is done, however the process ended."""

import warnings

import numpy as np
import pytest
from children import in_child
from effort import effort
from searches import assert_same_results, fitted, make_rows
from sklearn.linear_model import LogisticRegression
from studies import study

from skdigitnet import BackpropMLPClassifier
from skdigitnet._training.sgd import StochasticRun
from skdigitnet.model_selection import EpochGridSearchCV, read_journal
from skdigitnet.model_selection._evaluate import Evaluation


@pytest.fixture
def path(tmp_path):
    return tmp_path / "study.journal"


@pytest.fixture
def evaluated(monkeypatch):
    """The (candidate, split) of every cell that is trained, as they come."""
    cells = []
    evaluate = Evaluation.evaluate

    def noting(self, job, is_cancelled):
        cells.extend((member, job.split) for member in job.members)
        return evaluate(self, job, is_cancelled)

    monkeypatch.setattr(Evaluation, "evaluate", noting)
    return cells


def assert_same_times(results, expected):
    for key in ("mean_fit_time", "std_fit_time", "mean_score_time", "std_score_time"):
        np.testing.assert_array_equal(results[key], expected[key])


def test_nothing_is_trained_again(path, evaluated):
    rows = make_rows()
    options = {
        "journal": path,
        "return_train_score": True,
        "return_predictions": "predict_proba",
        "return_learning_curves": True,
        "scoring": ["accuracy", "neg_log_loss"],
    }
    with warnings.catch_warnings(record=True) as first_told:
        warnings.simplefilter("always")
        first = study(**options).fit(*rows)
    assert len(evaluated) == 18
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        again = study(**options, n_jobs=2).fit(*rows)
    assert len(evaluated) == 18
    assert_same_results(again.cv_results_, first.cv_results_)
    assert_same_times(again.cv_results_, first.cv_results_)
    assert [str(w.message) for w in told] == [str(w.message) for w in first_told] != []
    for name, curves in first.learning_curves_.items():
        assert curves.tobytes() == again.learning_curves_[name].tobytes()
    for one, other in zip(first.predictions_, again.predictions_, strict=True):
        assert [p.tobytes() for p in one] == [p.tobytes() for p in other]


def test_only_new_candidates_are_trained(path, evaluated):
    rows = make_rows()
    fitted(study(journal=path), *rows)
    evaluated.clear()
    more = study(journal=path).set_params(
        param_grid={"max_iter": [20, 30, 40, 80], "alpha": [1.0]}
    )
    more, _ = fitted(more, *rows)
    assert evaluated == [(1, 0), (1, 1), (1, 2)]
    whole, _ = fitted(study().set_params(param_grid=more.param_grid), *rows)
    assert_same_results(more.cv_results_, whole.cv_results_)


def test_halving_reads_what_the_whole_search_has_done(path, evaluated):
    rows = make_rows()
    fitted(study(journal=path), *rows)
    evaluated.clear()
    halved, _ = fitted(study(journal=path, factor=2), *rows)
    assert evaluated == []
    anew, _ = fitted(study(factor=2), *rows)
    assert_same_results(halved.cv_results_, anew.cv_results_)


def test_halving_resumes_between_rungs(path):
    rows = make_rows()
    whole, _ = fitted(study(factor=2), *rows)
    first_rung = study(journal=path).set_params(
        param_grid={"alpha": [0.1, 1.0], "max_iter": [20]}
    )
    fitted(first_rung, *rows)
    resumed, _ = fitted(study(journal=path, factor=2), *rows)
    assert_same_results(resumed.cv_results_, whole.cv_results_)


@pytest.mark.parametrize("fraction", [0.2, 0.5, 0.9])
def test_a_torn_journal_resumes_to_the_same_bits(path, evaluated, fraction):
    rows = make_rows()
    whole, _ = fitted(study(journal=path), *rows)
    content = path.read_bytes()
    path.write_bytes(content[: int(fraction * len(content))])
    n_kept = len(read_journal(path))
    evaluated.clear()
    resumed, _ = fitted(study(journal=path), *rows)
    assert len(evaluated) == 18 - n_kept > 0
    assert_same_results(resumed.cv_results_, whole.cv_results_)


def test_failed_fits_are_tried_again(path, evaluated):
    rows = make_rows()
    search = study(journal=path).set_params(param_grid={"alpha": [0.1, -1.0]}, error_score=0.0)
    _, told = fitted(search, *rows)
    assert [name for name, _ in told] == ["FitFailedWarning"]
    evaluated.clear()
    _, told = fitted(search, *rows)
    assert sorted(evaluated) == [(1, 0), (1, 1), (1, 2)]
    assert [name for name, _ in told] == ["FitFailedWarning"]


def test_estimators_of_others_have_a_journal_too(path, evaluated):
    rows = make_rows()
    search = EpochGridSearchCV(
        LogisticRegression(random_state=0), {"C": [0.1, 1.0]}, cv=3, journal=path
    )
    first, _ = fitted(search, *rows)
    first = first.cv_results_
    evaluated.clear()
    again, _ = fitted(search, *rows)
    assert evaluated == []
    assert_same_results(again.cv_results_, first)


def test_what_cannot_be_identified_is_refused_before_anything_is_trained(path, evaluated):
    rows = make_rows()
    with pytest.raises(ValueError, match="random_state"):
        study(journal=path).set_params(estimator=BackpropMLPClassifier((5,))).fit(*rows)
    with pytest.raises(ValueError, match="scorer 'score'"):
        study(journal=path, scoring=lambda clf, X, y: 0.0).fit(*rows)
    assert evaluated == []
    assert not path.exists()


def test_the_journal_of_another_study_is_left_as_it_is(path):
    X, y = make_rows()
    fitted(study(journal=path), X, y)
    content = path.read_bytes()
    with pytest.raises(ValueError, match="of another study: X differs"):
        study(journal=path).fit(X + 1, y)
    with pytest.raises(ValueError, match=r"of another study: .*return_train_score"):
        study(journal=path, return_train_score=True).fit(X, y)
    assert path.read_bytes() == content


def test_killed_at_random_moments(path):
    n_kills = effort(8, 300)
    n_killed, n_within, n_ended = in_child(
        "studies.be_killed", str(path), n_kills, timeout=effort(120, 3600)
    )
    assert n_killed == n_kills
    assert n_within + n_ended > 0


def test_halving_resumes_where_survivors_have_paused(path, monkeypatch):
    epochs = []
    finish_epoch = StochasticRun._finish_epoch

    def finish_and_count(run):
        epochs.append(run)
        return finish_epoch(run)

    rows = make_rows()
    search = study(journal=path, factor=2).set_params(estimator__n_iter_no_change=np.inf)
    whole, _ = fitted(search, *rows)
    whole = whole.cv_results_
    path.write_bytes(path.read_bytes()[:-1])  # one fit, which went on from 40 epochs to 80
    monkeypatch.setattr(StochasticRun, "_finish_epoch", finish_and_count)
    resumed, _ = fitted(search, *rows)
    assert len(epochs) == 40
    assert_same_results(resumed.cv_results_, whole)
    assert "kept" not in " ".join(read_journal(path).columns)


def test_killed_halving_trains_again_only_what_ran(path):
    n_kills, longest = effort(6, 200), 160 - 80  # epochs of one fit in one rung
    n_trained, n_needed = in_child(
        "studies.be_killed_in_halving", str(path), n_kills, timeout=effort(120, 3600)
    )
    assert n_needed <= n_trained <= n_needed + n_kills * longest
    print(f"{n_trained - n_needed} of {n_needed} epochs trained twice, {n_kills} kills")
