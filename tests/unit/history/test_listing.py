"""Candidates as somebody wants to see them: which rows, in which order, with which columns, and in which types."""

from __future__ import annotations

import csv
import io
import json
import math

import numpy as np
import pytest

from raysk.errors import InputError, UsageError
from raysk.history.candidate_table import CandidateTable
from raysk.history.candidates import read_candidates
from raysk.history.listing import ListingRequest, list_candidates
from raysk.history.run import Run
from raysk.results.writers import WRITERS, import_pyarrow
from raysk.util.typed_json import Opaque, decode_params, value_of_text, value_text

PARAMS = [
    {"svc__C": 0.1, "svc__shape": (1, 2), "scale": "None"},
    {"svc__C": 10.0, "svc__shape": None, "scale": None},
    {"svc__C": 100, "svc__shape": math.nan},
    {"svc__C": "auto", "svc__shape": Opaque("SVC()"), "scale": "a b"},
]
MEANS = np.array([0.5, 0.9, np.nan, 0.9])


def table(**more):
    """Return four candidates of two metrics."""
    scores = {"roc_auc": MEANS, "accuracy": np.array([0.4, 0.3, 0.2, 0.1])}
    said = {
        "metric": "roc_auc",
        "metrics": tuple(scores),
        "numbers": np.arange(4),
        "params": PARAMS,
        "names": ("svc__C", "svc__shape", "scale"),
        "mean": scores,
        "std": {name: mean / 10 for name, mean in scores.items()},
        "splits": {name: np.stack([mean, mean], axis=1) for name, mean in scores.items()},
        "fit_time": np.array([4.0, 3.0, 2.0, 1.0]),
        "score_time": np.full(4, 0.5),
        "errors": [None, None, "ValueError: no", None],
        "pruned": np.zeros(4, bool),
    }
    return CandidateTable(**{**said, **more})


def rows(**request):
    return list_candidates(table(), ListingRequest(**request)).rows


def cells(name, **request):
    """Return the cells of one column."""
    listing = list_candidates(table(), ListingRequest(columns=(name,), **request))
    return listing.columns[0].values(listing.rows)


class TestRows:
    """Which candidates are listed, and in which order."""

    def test_the_best_come_first(self):
        """Equal scores by their numbers, each with a rank of its own, as other commands take it."""
        assert rows() == [1, 3, 0, 2]
        assert rows(top=1) == [1]
        assert cells("rank") == [1, 2, 3, None]
        assert cells("rank_test_roc_auc") == [1, 1, 3, 4]  # scikit-learn's own
        assert cells("rank_test_accuracy") == [2, 4, 1, 3]
        assert ListingRequest(columns=("rank_test_accuracy",)).needs_all

    @pytest.mark.parametrize(
        ("sort", "expected"),
        [
            ("fit_time", [3, 2, 1, 0]),
            ("-fit_time", [0, 1, 2, 3]),
            ("mean", [1, 3, 0, 2]),
            ("-mean", [0, 1, 3, 2]),
            ("accuracy", [0, 1, 2, 3]),
            ("C", [0, 1, 2, 3]),
            ("scale", [0, 3, 1, 2]),
        ],
    )
    def test_rows_are_sorted_by_any_column(self, sort, expected):
        """Scores from the highest, all else from the lowest, numbers before text; what there is not comes last."""
        assert rows(sort=sort) == expected

    @pytest.mark.parametrize(
        ("where", "expected"),
        [
            ("C in (auto)", [3]),
            ("C in 100", [2]),
            ("C not in auto", [1, 0, 2]),
            ("C < 10", [0]),
            ("svc__C >= 10", [1, 2]),
            ("0.1 < C <= 100 and mean > 0.5", [1]),
            ("C in (0.1, auto)", [3, 0]),
            ("C == auto", [3]),
            ("shape == (1, 2)", [0]),
            ("shape == None", [1]),
            ("shape is None", [1]),
            ("shape == nan", [2]),
            ("shape == 'SVC()'", [3]),
            ("scale == 'None'", [0]),
            ("error != None", [2]),
            ("rank <= 2", [1, 3]),
            ("std_accuracy < 0.025 and fit_time > 1", [2]),
            ("split0 > 0.6", [1, 3]),
            ("C == True", []),
        ],
    )
    def test_conditions_choose_rows(self, where, expected):
        """Names short or long, values as Python has them or as bare words; text is never less than a number."""
        assert rows(where=(where,)) == expected

    def test_all_conditions_have_to_hold(self):
        """Several are given one by one, too; the number of those that match is known beyond the top."""
        listing = list_candidates(table(), ListingRequest(where=("C > 0", "mean > 0"), top=1))
        assert (listing.rows, listing.matching) == ([1], 2)

    @pytest.mark.parametrize(
        ("where", "said"),
        [
            ("Scal == 1", "Did you mean scale?"),
            ("C = 1", "is no condition"),
            ("C < 1 or C > 2", "is no comparison"),
            ("1 < 2", "names no column"),
            ("C == f(1)", "is no value"),
            ("__import__('os').getpid() > C", "is no value"),
            ("C", "is no comparison"),
            ("(" * 500, "is no condition"),
        ],
    )
    def test_what_is_no_condition_is_not_evaluated(self, where, said):
        """It is answered with how to write one."""
        with pytest.raises(UsageError, match=r"(?s)--where .*" + said.replace("?", r"\?")):
            rows(where=(where,))


class TestColumns:
    """Which columns are listed, and what they hold."""

    def test_a_person_sees_what_varies(self):
        """By short names; errors only where one is shown; what is named comes in that order."""
        listing = list_candidates(table(said_to_vary=("svc__C",)), ListingRequest(per_split=True, top=2))
        assert [each.name for each in listing.columns] == ["rank", "mean", "std", "split0", "split1", "fit_time", "C"]
        listing = list_candidates(table(), ListingRequest(columns=("accuracy", "error", "svc__shape")))
        assert [each.name for each in listing.columns] == ["accuracy", "error", "shape"]
        listing = list_candidates(table(), ListingRequest(columns=("rank mean", "C")))
        assert [each.name for each in listing.columns] == ["rank", "mean", "C"]
        with pytest.raises(UsageError, match=r"--columns: there is no column 'acuracy'\.\nDid you mean accuracy"):
            list_candidates(table(), ListingRequest(columns=("acuracy",)))

    def test_objects_keep_the_types_of_parameters(self):
        """As JSON that is decoded again; a parameter that a candidate does not have is left out."""
        listing = list_candidates(table(), ListingRequest(sort="candidate"))
        found = [decode_params(json.loads(json.dumps(each["params"]))) for each in listing.objects()]
        assert repr(found) == repr(PARAMS)
        assert [each["mean"] for each in listing.objects()] == [0.5, 0.9, None, 0.9]

    def test_cells_of_text_keep_them_too(self):
        """Text that reads as another value is quoted; a parameter that a candidate does not have is an empty cell."""
        file = io.BytesIO()
        WRITERS["csv"](iter([list_candidates(table(), ListingRequest(sort="candidate")).texts()]), file)
        found = list(csv.DictReader(io.StringIO(file.getvalue().decode())))
        names = ("svc__C", "svc__shape", "scale")
        read = [{name: value_of_text(each[name]) for name in names if each[name]} for each in found]
        assert repr(read) == repr(PARAMS).replace("SVC()", "'SVC()'")
        assert [value_of_text(value_text(text)) for text in ("1", "", "nan", "rbf", "(", "'a'")] == [
            *("1", "", "nan", "rbf", "(", "'a'")
        ]

    def test_typed_columns_have_one_type_each(self):
        """A parameter with several types is text; numbers stay numbers."""
        arrow, parquet = import_pyarrow()
        file = io.BytesIO()
        WRITERS["parquet"](iter([list_candidates(table(), ListingRequest()).typed()]), file)
        found = parquet.read_table(arrow.BufferReader(file.getvalue())).to_pydict()
        assert found["svc__C"] == ["10.0", "auto", "0.1", "100"]
        assert found["svc__shape"] == ["None", "SVC()", "(1, 2)", "nan"]
        assert found["fit_time"] == [3.0, 1.0, 4.0, 2.0]

    def test_a_candidate_of_halving_has_one_place(self):
        """Those of the last round come first, and an earlier row of the same candidate has no rank."""
        params = [{"C": 1, "n": 10}, {"C": 2, "n": 10}, {"C": 2, "n": 20}]
        said = {"params": params, "names": ("C", "n"), "resources": np.array([10, 10, 20])}
        scores = {"score": np.array([0.9, 0.95, 0.8])}
        few = {"numbers": np.arange(3), "metric": "score", "metrics": ("score",), "mean": scores, "std": scores}
        halved = table(**said, **few, rounds=np.array([0, 0, 1]))
        assert halved.order().tolist() == [2, 1, 0]
        assert halved.places().tolist() == [2, 0, 1]


def test_every_torn_journal_gives_candidates_or_says_that_there_are_none(tmp_path):
    """Cut at any byte, also within a character."""
    lines = [{"raysk": "journal", "identity": {}, "schema": 1}]
    result = {"fit_time": 0.5, "score_time": 0.5, "n_test_samples": 5, "fit_error": None}
    for number, params in enumerate(PARAMS[:2]):
        note = {"candidate": number, "split": 0, "params": {"svc__C": params["svc__C"], "n": {"python": "(1, 'ä')"}}}
        lines.append({"fit": f"{number} a", "test_scores": 0.5, **result, **note})
    content = "".join(f"{json.dumps(line, ensure_ascii=False)}\n" for line in lines).encode()
    counts = []
    for length in range(len(content) + 1):
        (tmp_path / "journal.jsonl").write_bytes(content[:length])
        try:
            listing = list_candidates(read_candidates(Run(tmp_path)), ListingRequest(where=("C > 0",)))
        except InputError:
            counts.append(0)
        else:
            counts.append(len(list(listing.objects())))
    assert counts == sorted(counts)
    assert set(counts) == {0, 1, 2}


def test_every_torn_table_is_read_as_far_as_it_goes(tmp_path):
    """Of a table that was cut short the whole rows count, quoted cells or not."""
    cells = ["1", "0.5", "0.1", "a", '"a ""b"",\nc"', '"{""C"": 1}"']
    header = "rank_test_score,mean_test_score,std_test_score,param_C,error,params"
    content = f"{header}\n" + "".join(",".join([f"{n}", *cells[1:]]) + "\n" for n in range(3))
    (tmp_path / "run.json").write_text('{"outcome": "done"}')
    for length in range(len(content) + 1):
        (tmp_path / "results.csv").write_text(content[:length])
        try:
            found = read_candidates(Run(tmp_path), best=1)
        except InputError:
            continue
        assert found.errors[0] in {'a "b",\nc', 'a "b",', 'a "b', None}
    assert found.total == 3
    assert read_candidates(Run(tmp_path)).errors == ['a "b",\nc'] * 3
    assert read_candidates(Run(tmp_path), number=2).numbers.tolist() == [2]


def test_a_damaged_row_leaves_the_others_as_they_are(tmp_path):
    """A stray return, or a quote that is not closed, costs the row that it is in."""
    rows = ['0.5,x,"{""C"": 1}"', '0.6,a\rb,"{""C"": 2}"', '0.7,y,"{""C"": 3}"']
    (tmp_path / "results.csv").write_text("\n".join(["mean_test_score,error,params", *rows, ""]), newline="")
    found = read_candidates(Run(tmp_path))
    assert found.errors[::2] == ["x", "y"]
    assert [each.get("C") for each in found.params][::2] == [1, 3]


def test_a_damaged_header_leaves_the_other_columns_as_they_are(tmp_path):
    """One name twice, and a quote that is not closed, end no command."""
    rows = ['0.5,x,y,"{""C"": 1}"', '0.6,"x,y,"{""C"": 2}"']
    (tmp_path / "results.csv").write_text("\n".join(["mean_test_score,error,error,params", *rows, ""]))
    assert read_candidates(Run(tmp_path)).mean["score"][0] == 0.5
    assert read_candidates(Run(tmp_path), number=0).params[0] == {"C": 1}


def test_a_damaged_number_of_a_split_is_passed_over(tmp_path):
    """A table as wide would fill the memory."""
    result = {"fit_time": 0.5, "score_time": 0.5, "n_test_samples": 5, "fit_error": None, "test_scores": 0.5}
    lines = [{"fit": f"{number} a", **result, "candidate": number, "split": number * 10**9} for number in range(2)]
    (tmp_path / "journal.jsonl").write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    assert read_candidates(Run(tmp_path)).splits["score"].shape == (1, 1)


def test_candidates_for_pandas():
    """As scikit-learn's own results make a table, with what else is known."""
    frame = table().to_pandas()
    assert frame["param_svc__C"].tolist() == [0.1, 10.0, 100, "auto"]
    assert frame["rank_test_roc_auc"].tolist() == [3, 1, 4, 1]
    assert frame.index.name == "candidate"
    assert {"split1_test_accuracy", "mean_test_accuracy", "params", "mean_fit_time", "error"} <= set(frame.columns)
