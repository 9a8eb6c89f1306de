import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wardline.findings.advisories.advisory import Affected, Event, EventKind, Range, RangeKind
from wardline.findings.advisories.versions import NotComparable, _Semantic, fixes, is_affected, normal_name

BEGUN, F, L, M = EventKind.INTRODUCED, EventKind.FIXED, EventKind.LAST_AFFECTED, EventKind.LIMIT


def affected(*events, ecosystem="PyPI", kind=RangeKind.ECOSYSTEM, versions=()):
    held = Range(kind=kind, events=tuple(Event(kind=k, version=v) for k, v in events))
    return Affected(ecosystem=ecosystem, name="x", ranges=(held,) if events else (), versions=versions)


@pytest.mark.parametrize(
    ("ecosystem", "kind", "inside", "outside"),
    [
        ("PyPI", RangeKind.ECOSYSTEM, ["1.9", "1.10.dev1", "1.10rc1", "1.9.post1"], ["1.10", "1.10.post1", "1!1.0"]),
        ("npm", RangeKind.SEMVER, ["1.9.0", "1.10.0-rc.1", "1.10.0-alpha"], ["1.10.0", "1.10.1", "2.0.0"]),
        ("Go", RangeKind.SEMVER, ["v1.9.0", "1.9.9"], ["v1.10.0", "v2.0.0"]),
        ("Maven", RangeKind.ECOSYSTEM, ["1.9", "1.10-alpha-1", "1.10-SNAPSHOT"], ["1.10", "1.10.1", "1.10-sp-1"]),
        ("RubyGems", RangeKind.ECOSYSTEM, ["1.9.1", "1.10.a"], ["1.10", "1.10.1"]),
        ("NuGet", RangeKind.ECOSYSTEM, ["1.9.0", "1.10.0-beta"], ["1.10.0", "1.10.0.1"]),
        ("Packagist", RangeKind.ECOSYSTEM, ["1.9.0"], ["1.10.0", "1.11.0"]),
    ],
)  # fmt: skip
def test_each_ecosystem_has_its_own_order_of_versions(ecosystem, kind, inside, outside):
    of = affected((BEGUN, "0"), (F, "1.10"), ecosystem=ecosystem, kind=kind)
    assert [v for v in (*inside, *outside) if is_affected(of, v)] == inside


def test_an_ecosystem_nobody_can_compare_is_said_and_never_clean():
    with pytest.raises(NotComparable):
        is_affected(affected((BEGUN, "0"), (F, "2"), ecosystem="Debian"), "3")


@pytest.mark.parametrize("version", ["", " ", "not-a-version", "1..2"])
@pytest.mark.parametrize(("ecosystem", "kind"), [("PyPI", RangeKind.ECOSYSTEM), ("npm", RangeKind.SEMVER)])
def test_a_version_that_is_none_is_not_comparable(ecosystem, kind, version):
    with pytest.raises(NotComparable):
        is_affected(affected((BEGUN, "0"), (F, "2"), ecosystem=ecosystem, kind=kind), version)


def test_a_version_that_is_listed_is_affected_in_any_spelling():
    assert is_affected(affected(versions=("1.0.0", "0.9-dev-r3")), "1.0")
    assert not is_affected(affected(versions=("1.0.0", "0.9-dev-r3")), "1.1")


def test_commits_alone_tell_nothing_of_a_version():
    with pytest.raises(NotComparable):
        is_affected(affected((BEGUN, "0"), (F, "ab" * 20), kind=RangeKind.GIT), "1.0")


def test_a_last_affected_version_is_affected_and_the_next_is_not():
    of = affected((BEGUN, "1.0"), (L, "1.5"))
    assert [v for v in ("0.9", "1.0", "1.5", "1.5.1") if is_affected(of, v)] == ["1.0", "1.5"]


def test_behind_every_limit_nothing_is_affected():
    of = affected((BEGUN, "0"), (M, "2.0"))
    assert is_affected(of, "1.9")
    assert not is_affected(of, "2.0")


def test_the_fix_of_the_own_branch_is_named():
    of = affected((BEGUN, "4.0"), (F, "4.3"), (BEGUN, "5.0"), (F, "5.2"))
    assert fixes(of, "4.1") == ("4.3",)
    assert fixes(of, "5.1") == ("5.2",)
    assert fixes(of, "4.3") == ()


def test_names_are_compared_as_pep_503_says():
    assert normal_name("PyPI", "Ruamel.YAML_clib") == "ruamel-yaml-clib"
    assert normal_name("npm", "@Scope/Name") == "@Scope/Name"


events = st.lists(st.tuples(st.sampled_from([F, L]), st.integers(1, 12)), max_size=4)
starts = st.lists(st.integers(0, 12), min_size=1, max_size=4)


def naive(starts, ends, version):
    """A start makes affected what lies from it to the nearest end; a start at a fix begins anew."""
    return any(
        start <= version
        and not any(
            (start < end <= version) if kind is F else (start <= end < version) for kind, end in ends
        )
        for start in starts
    )  # fmt: skip


@given(starts, events, st.integers(0, 13))
def test_ranges_hold_what_a_naive_reading_holds(starts, ends, version):
    told = [(BEGUN, str(n)) for n in starts] + [(kind, str(n)) for kind, n in ends]
    assert is_affected(affected(*told), str(version)) == naive(starts, ends, version)


@given(starts, events, st.integers(0, 13), st.randoms())
def test_the_order_in_which_events_are_written_changes_nothing(starts, ends, version, rng):
    told = [(BEGUN, str(n)) for n in starts] + [(kind, str(n)) for kind, n in ends]
    other = list(told)
    rng.shuffle(other)
    assert is_affected(affected(*told), str(version)) == is_affected(affected(*other), str(version))


@given(starts, events, st.integers(0, 13))
def test_a_fix_that_is_named_is_later_and_not_affected_by_its_range(starts, ends, version):
    told = [(BEGUN, str(n)) for n in starts] + [(kind, str(n)) for kind, n in ends]
    named = fixes(affected(*told), str(version))
    assert all(int(fix) > version and (F, int(fix)) in ends for fix in named)
    assert not named or is_affected(affected(*told), str(version))


def test_pre_releases_are_ordered_as_semver_2_says():
    rising = ["alpha", "alpha.1", "alpha.beta", "beta", "beta.2", "beta.11", "rc.1"]
    parsed = [*(_Semantic.parse(f"1.0.0-{each}") for each in rising), _Semantic.parse("1.0.0")]
    assert all(a < b for a, b in itertools.combinations(parsed, 2))
    assert _Semantic.parse("1.0.0+build.7") == _Semantic.parse("v1")
