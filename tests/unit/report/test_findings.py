"""What a run shows, in words: each finding where it must be, and not where it must not."""

from __future__ import annotations

import shlex

import numpy as np
import pytest
from made_tables import fit_of, found_in, run_of, table_of

from raysk.request.distributions import parse_space

WIDE = {"distribution": "loguniform", "low": 1e-3, "high": 1e3, "kind": "float", "log": True}
RNG = np.random.RandomState


def drawn(count, **ends):
    """Return parameters drawn evenly by their logarithm between ends such as ``C=(-3, 3)``."""
    rng = RNG(1)
    return [{name: float(10 ** rng.uniform(*each)) for name, each in ends.items()} for _ in range(count)]


def listed(values, repeat=4, name="C"):
    """Return parameters that try each value several times, with another one that varies."""
    return [{name: value, "other": k} for value in values for k in range(repeat)]


def peak(at, width=1.0):
    """Return a score with its best where the logarithm of C is this."""
    return lambda each: 0.9 - 0.2 * ((np.log10(each["C"]) - at) / width) ** 2


def space_in(finding):
    """Return the spaces that a finding's command gives, as the command line reads them."""
    words = shlex.split(finding.command)
    return dict(parse_space(words[at + 1]) for at, word in enumerate(words) if word == "--space")


def test_a_healthy_search_has_its_result_and_little_else(tmp_path):
    """The best is within the range, folds agree, nothing fails: the result is all there is to say."""
    params = drawn(100, C=(-3, 3))
    found = found_in(run_of(tmp_path, space={"C": WIDE}), table_of(params, list(map(peak(0), params))))
    assert list(found) == ["result"]
    assert found["result"].title.startswith("The best of 100 candidates has score 0.")
    assert "over 5 splits, with C=" in found["result"].title
    assert found["result"].command == "raysk refit raysk-runs/spec"


def test_the_result_of_a_run_that_ended_early_is_the_best_so_far(tmp_path):
    """What is not whole is said to be so, and how to go on."""
    params = drawn(10, C=(-3, 3))
    run = run_of(tmp_path)
    run.state = "interrupted"
    found = found_in(run, table_of(params, list(map(peak(0), params)), is_whole=False))["result"]
    assert found.title.startswith("The best so far of 10")
    assert found.command == "raysk resume raysk-runs/spec"


@pytest.mark.parametrize(("command", "whose"), [("search", "The one candidate has"), ("cv", "The estimator has")])
def test_a_single_candidate_is_no_best(tmp_path, command, whose):
    """What was tried alone is the best of nothing."""
    run = run_of(tmp_path)
    run.command = command
    assert found_in(run, table_of([{"C": 1}], [0.5]))["result"].title.startswith(whose)


def test_a_program_goes_on_with_its_run(tmp_path):
    """The command line cannot resume a search that a program made."""
    params = drawn(10, C=(-3, 3))
    run = run_of(tmp_path)
    run.state, run.command = "crashed", "raysk.fit"
    (tmp_path / "run.json").write_text('{"job": {"command": "raysk.fit"}}')
    (tmp_path / "journal.jsonl").touch()
    found = found_in(run, table_of(params, list(map(peak(0), params)), is_whole=False))["result"]
    assert found.command is None
    assert found.next_step == "Go on with it: raysk.fit(search, X, y, resume='raysk-runs/spec')"


def test_no_score_at_all(tmp_path):
    """A search without a score says why."""
    table = table_of([{"C": 1}, {"C": 2}], np.full((2, 5), np.nan), errors=["ValueError: no", "ValueError: no"])
    found = found_in(run_of(tmp_path), table)
    assert list(found) == ["no-score"]
    assert "2 of 2 candidates failed with: ValueError: no" in found["no-score"].evidence


# --- the edge of a range


@pytest.mark.parametrize(("at", "end"), [(4, "upper"), (-4, "lower")])
def test_the_best_at_the_edge_of_a_distribution(tmp_path, at, end):
    """Scores rise up to the edge: the finding gives a range that goes on beyond it, with the run's other options."""
    params = drawn(100, C=(-3, 3))
    arguments = ["--cv=10", "--output=m.pkl", "--space=C=loguniform:1e-3:1e3", "--run-dir=r"]
    run = run_of(tmp_path, space={"C": WIDE}, arguments=arguments)
    found = found_in(run, table_of(params, list(map(peak(at, 3), params)), noise=0.001))["edge"]
    assert f"at the {end} edge" in found.title
    assert found.command.startswith("raysk search spec.py --cv=10 --space C=loguniform:")
    low, high = space_in(found)["C"].support()
    assert low < (1e3 if end == "upper" else 1e-3) < high


def test_the_best_at_the_edge_of_a_grid_gets_a_list(tmp_path):
    """A grid takes no distribution: the list goes on as it did."""
    params = listed([0.1, 1, 10])
    table = table_of(params, [np.log10(each["C"]) for each in params], noise=0.001)
    space = {"C": {"values": [0.1, 1, 10]}}
    found = found_in(run_of(tmp_path, method="grid", space=space), table)["edge"]
    assert space_in(found)["C"] == [10, 100, 1000, 10000]


def test_integers_go_on_as_integers(tmp_path):
    """A parameter of integers is not given a fraction."""
    params = listed([10, 20, 30], name="depth")
    table = table_of(params, [each["depth"] / 30 for each in params], noise=0.001)
    for method in ("grid", "random"):
        found = found_in(run_of(tmp_path, method=method, space={"depth": {"values": [10, 20, 30]}}), table)["edge"]
        values = space_in(found)["depth"]
        assert values == [30, 40, 50, 60] if method == "grid" else values.support() == (25, 40)


def test_numbers_that_happen_to_be_whole_go_on_as_fractions(tmp_path):
    """A C of 1, 10, 100 has values below 1."""
    params = listed([1, 10, 100])
    table = table_of(params, [-np.log10(each["C"]) for each in params], noise=0.001)
    found = found_in(run_of(tmp_path, method="grid", space={"C": {"values": [1, 10, 100]}}), table)["edge"]
    assert space_in(found)["C"] == [0.001, 0.01, 0.1, 1]


def test_a_space_of_several_gets_no_command(tmp_path):
    """--space gives a parameter to all of several spaces, also to those that lack it."""
    params = listed([0.1, 1, 10])
    space = {"C": {"values": [0.1, 1, 10], "conditional": True}}
    run = run_of(tmp_path, method="grid", space=space)
    found = found_in(run, table_of(params, [np.log10(each["C"]) for each in params], noise=0.001))["edge"]
    assert found.command is None
    assert found.next_step.endswith("'C': [10.0, 100.0, 1000.0, 10000.0]")


@pytest.mark.parametrize(
    ("values", "score"),
    [
        ([1, 2, 3], lambda value: -value),  # below 1 there is nothing
        ([0.2, 0.6, 1.0], lambda value: value),  # a part of all
        ([0.1, 1, 10], lambda _: 0.5),  # a plateau
        ([0.1, 1, 10], lambda value: -abs(np.log10(value))),  # within
        ([0.1, 10], lambda value: value),  # two values have nothing within
        (["a", "b", "c"], "abc".index),
    ],
    ids=["natural end", "part", "plateau", "within", "two values", "categories"],
)
def test_no_edge(tmp_path, values, score):
    """An end of nature's, a plateau, a best within, and categories are no edges."""
    params = listed(values, name="share")
    table = table_of(params, [score(each["share"]) for each in params])
    assert "edge" not in found_in(run_of(tmp_path, space={"share": {"values": values}}), table)


def test_from_python_the_next_step_is_code(tmp_path):
    """A run from Python has no command to type: the entry of the space is said."""
    params = listed([0.1, 1, 10])
    run = run_of(tmp_path, method="grid", space={"C": {"values": [0.1, 1, 10]}})
    run.command = "raysk.fit"
    found = found_in(run, table_of(params, [np.log10(each["C"]) for each in params], noise=0.001))["edge"]
    assert found.command is None
    assert found.next_step.endswith("'C': [10.0, 100.0, 1000.0, 10000.0]")


# --- what did not matter


def test_a_parameter_that_did_not_matter(tmp_path):
    """The score follows C and not tol; with too much noise to tell, nothing is said."""
    params = drawn(150, C=(-3, 3), tol=(-4, -1))
    scores = np.array(list(map(peak(0), params)))
    said = found_in(run_of(tmp_path), table_of(params, scores))["unimportant"]
    assert said.title == "tol did not matter."
    assert space_in(said).keys() == {"tol"}
    assert "unimportant" not in found_in(run_of(tmp_path), table_of(params, scores * 0 + RNG(0).randn(150)))


def test_a_small_share_is_no_word_for_a_parameter_that_the_best_need(tmp_path):
    """What moves the score little, but decides among the best, mattered."""
    params = [{**each, "scale": k % 3 == 0} for k, each in enumerate(drawn(150, C=(-3, 3)))]
    scores = [0.3 + each["scale"] * (0.6 + 0.02 * (each["C"] > 1)) for each in params]
    table = table_of(params, np.array(scores)[:, None] + np.zeros(5))
    assert "unimportant" not in found_in(run_of(tmp_path), table)


# --- noise


def test_a_cheaper_candidate_within_noise(tmp_path):
    """Of those that take less than half of the time, the best within a standard error is named."""
    splits = np.array([[0.9, 0.8, 0.85, 0.95, 0.9], [0.91, 0.79, 0.85, 0.94, 0.9], [0.5, 0.4, 0.45, 0.55, 0.5]])
    params = [{"trees": 500}, {"trees": 50}, {"trees": 5}]
    found = found_in(run_of(tmp_path), table_of(params, splits, fit_time=np.array([2.0, 0.2, 0.02])))["noise"]
    assert "takes 200 ms a fit instead of 2 s" in found.title
    assert found.command == "raysk fit spec.py --params 'raysk-runs/spec#2' -o model.pkl"
    assert "standard error" in found.evidence


@pytest.mark.parametrize(
    ("splits", "fit_time"),
    [
        ([[0.9, 0.8, 0.85], [0.88, 0.78, 0.83]], [2.0, 0.2]),  # worse on every split by the same
        ([[0.9, 0.8], [0.89, 0.81]], [2.0, 0.2]),  # two splits
        ([[0.9, 0.8, 0.85], [0.91, 0.79, 0.85]], [2.0, 1.9]),  # hardly cheaper
        ([[0.9, 0.8, 0.85], [0.91, 0.79, 0.85]], [0.02, 0.002]),  # nobody waits for it
    ],
    ids=["real difference", "two splits", "as dear", "both quick"],
)
def test_no_cheaper_candidate(tmp_path, splits, fit_time):
    """A difference that is the same on all splits is none of noise, and a little time is not worth a word."""
    table = table_of([{"trees": 500}, {"trees": 50}], np.array(splits), fit_time=np.array(fit_time))
    assert "noise" not in found_in(run_of(tmp_path), table)


# --- folds


def test_unstable_scores_and_a_bad_split(tmp_path):
    """Scores that differ by tenths are unstable; if one split is bad for all, that is what is said."""
    params, scores = drawn(40, C=(-1, 1)), np.full((40, 1), 0.7) + RNG(0).randn(40, 5) * 0.005
    spread = table_of(params, scores + np.array([-0.2, -0.1, 0.0, 0.1, 0.2]))
    assert "unstable" in found_in(run_of(tmp_path), spread)
    bad = found_in(run_of(tmp_path), table_of(params, scores + np.array([0, 0, -0.4, 0, 0])))
    assert bad["bad-split"].title.startswith("Split 2 is bad for all: 0.3")
    assert "unstable" not in bad
    calm = found_in(run_of(tmp_path), table_of(params, scores + np.array([-0.02, -0.01, 0.0, 0.01, 0.02])))
    assert not {"unstable", "bad-split"} & calm.keys()


def test_losses_vary_more(tmp_path):
    """A loss that ends at 0 deviates by tenths of itself over good splits, and one split has often the double."""
    params, scores = drawn(40, C=(-1, 1)), np.full((40, 1), -0.08) + RNG(0).randn(40, 5) * 0.0005
    usual = found_in(run_of(tmp_path), table_of(params, scores + np.array([-0.04, -0.01, 0.02, 0.02, 0.03])))
    assert not {"unstable", "bad-split"} & usual.keys()
    bad = found_in(run_of(tmp_path), table_of(params, scores + np.array([-0.3, -0.01, 0, 0, 0.01])))
    assert "bad-split" in bad


def test_chance_makes_no_bad_split(tmp_path):
    """The worst of five splits lies often a little farther off than the others are apart."""
    params, scores = drawn(40, C=(-1, 1)), np.full((40, 1), 0.8) + RNG(0).randn(40, 5) * 0.001
    found = found_in(run_of(tmp_path), table_of(params, scores + np.array([-0.07, 0, 0.01, 0.03, 0.04])))
    assert "bad-split" not in found


@pytest.mark.parametrize(
    ("cv", "command"),
    [(None, "raysk search spec.py --cv=10"), (5, "raysk search spec.py --cv=10"), ("TimeSeriesSplit(4)", None)],
)
def test_more_folds_do_not_replace_a_splitter(tmp_path, cv, command):
    """A number of folds would mix what a person's own splitter keeps apart."""
    params, scores = drawn(20, C=(-1, 1)), np.full((20, 1), 0.05) + RNG(0).randn(20, 5) * 0.005
    run = run_of(tmp_path)
    run.facts["search"]["cv"] = cv
    found = found_in(run, table_of(params, scores + np.array([-0.1, -0.05, 0.0, 0.05, 0.1])))["unstable"]
    assert found.command == command
    assert "% of the score" not in found.evidence  # which is around 0


def test_training_scores_far_above(tmp_path):
    """A gap of tenths is told with what moves it; a few percent are usual."""
    params = [{"depth": depth, "k": k} for depth in range(1, 11) for k in range(3)]
    test = np.array([0.7 - 0.001 * each["depth"] for each in params])
    gaps = np.array([0.05 + 0.03 * each["depth"] for each in params])
    found = found_in(run_of(tmp_path), table_of(params, test[::-1], train=test[::-1] + gaps, noise=0.001))["overfit"]
    assert "smaller values of depth" in found.next_step
    assert "overfit" not in found_in(run_of(tmp_path), table_of(params, test, train=test + 0.03))


# --- time


def test_failures_have_their_corners(tmp_path):
    """Each corner in which nearly all fail is named, also one of two parameters, and what to leave out."""
    params = [
        {"solver": solver, "penalty": penalty, "C": C}
        for solver in ("lbfgs", "saga", "liblinear")
        for penalty in ("l1", "l2")
        for C in range(4)
    ]
    bad = [each["solver"] == "lbfgs" and each["penalty"] == "l1" for each in params]
    table = _failing(params, bad)
    found = found_in(run_of(tmp_path), table)["failures"]
    assert "4 candidates of 24 failed, all with" in found.title
    assert "solver=lbfgs" in found.title
    assert "penalty=l1" in found.title
    table = _failing(params, [each["solver"] == "liblinear" for each in params])
    found = found_in(run_of(tmp_path, method="grid"), table)["failures"]
    assert "all with solver=liblinear" in found.title
    assert space_in(found) == {"solver": ["lbfgs", "saga"]}


def test_failures_are_put_down_to_a_value_before_a_range(tmp_path):
    """Where a value and a range hold the same candidates, the value is the reason."""
    params = [*({"C": C, "penalty": "l1"} for C in range(10, 15)), *({"C": C, "penalty": "l2"} for C in range(5))]
    found = found_in(run_of(tmp_path), _failing(params, [each["penalty"] == "l1" for each in params]))["failures"]
    assert "all with penalty=l1" in found.title


def test_failures_beyond_a_number(tmp_path):
    """A failing end of a range is left out of the next range."""
    params = drawn(60, C=(-3, 3))
    table = _failing(params, [each["C"] > 10 for each in params])
    found = found_in(run_of(tmp_path, space={"C": WIDE}), table)["failures"]
    assert "all with C >= " in found.title
    low, high = space_in(found)["C"].support()
    assert (low, high) == (pytest.approx(1e-3), pytest.approx(10, rel=0.5))


def test_failures_without_a_pattern_and_single_ones(tmp_path):
    """Failures anywhere are told without a corner; one of many is not told here."""
    params = drawn(60, C=(-3, 3), gamma=(-3, 3))
    found = found_in(run_of(tmp_path), _failing(params, RNG(3).rand(60) < 0.3))["failures"]
    assert " with " not in found.title
    assert "failures" not in found_in(run_of(tmp_path), _failing(params, np.arange(60) == 7))


def _failing(params, bad):
    scores = np.where(np.asarray(bad)[:, None], np.nan, 0.5 + RNG(0).randn(len(params), 5) * 0.01)
    errors = ["ValueError: it cannot be" if each else None for each in bad]
    return table_of(params, scores, errors=errors, fit_time=np.ones(len(params)))


@pytest.mark.parametrize(("score", "is_slow"), [(0.5, True), (0.9, False)])
def test_slow_corners_that_are_no_good(tmp_path, score, is_slow):
    """What takes most of the time and comes nowhere near the best is named; what may be the best is not."""
    params = [{"kernel": ("poly", "rbf", "linear")[k % 3], "C": k} for k in range(60)]
    scores = [score if each["kernel"] == "poly" else 0.9 for each in params]
    times = np.array([5.0 if each["kernel"] == "poly" else 1.0 for each in params])
    found = found_in(run_of(tmp_path), table_of(params, scores, fit_time=times))
    assert ("slow" in found) == is_slow
    if is_slow:
        assert found["slow"].title.startswith("71% of the fit time went to kernel=poly")
        assert space_in(found["slow"]) == {"kernel": ["rbf", "linear"]}


def lanes(*ends, fit_time=10.0):
    """Return fits of workers that each work without a gap from 0 to an end."""
    return [
        fit_of(k, split, ended=(k + 1) * fit_time, worker=f"node:{split}", fit_time=fit_time)
        for split, end in enumerate(ends)
        for k in range(int(end / fit_time))
    ]


@pytest.mark.parametrize(
    ("fits", "workers", "words"),
    [
        ([*lanes(20, 20, 20), fit_of(9, 3, ended=100.0, worker="node:3", fit_time=100.0)], 4, "a few long fits"),
        (lanes(20, 20), 8, "fewer fits than workers"),
        ([fit_of(k, 0, ended=10.0 * (k + 1), worker="node:0", fit_time=2.0) for k in range(9)], 2, None),
        (lanes(100, 100, 100, 90), 4, None),
        (lanes(8, 2, 2, fit_time=1.0), 3, None),
        ([], 4, None),
    ],
    ids=["stragglers", "few fits", "unused", "busy", "short", "no journal"],
)
def test_idle_workers(tmp_path, fits, workers, words):
    """Idle time is told with its cause; little of it, or of a short run, is not."""
    params = drawn(10, C=(-1, 1))
    found = found_in(run_of(tmp_path, workers=workers), table_of(params, list(map(peak(0), params))), fits)
    if words is None and not (fits and workers == 2):
        assert "idle" not in found
    else:
        assert (words or "idle") in found["idle"].title


@pytest.mark.parametrize(("of_best", "command"), [(1.0, "raysk search spec.py --fit-timeout=50s"), (100.0, None)])
def test_a_limit_gives_up_the_longest_fit_unless_it_is_the_best(tmp_path, of_best, command):
    """A limit that no fit of the run has reached would change nothing."""
    params = drawn(10, C=(-1, 1))
    table = table_of(params, list(map(peak(0), params)), fit_time=np.full(10, of_best))
    fits = [*lanes(20, 20, 20), fit_of(9, 3, ended=100.0, worker="node:3", fit_time=100.0)]
    assert found_in(run_of(tmp_path, workers=4), table, fits)["idle"].command == command


def test_parts_of_run_json_may_be_missing(tmp_path):
    """A run without a manifest has findings too."""
    params = listed([0.1, 1, 10])
    run = run_of(tmp_path)
    run.facts, run.command = {}, None
    found = found_in(run, table_of(params, [np.log10(each["C"]) for each in params], noise=0.001))
    assert {"result", "edge"} <= found.keys()
    assert all(finding.command is None for finding in found.values())
