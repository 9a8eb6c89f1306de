"""What a gate reads of the log gives the facts that the whole log gives, and does not grow with it."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

from gate_world import ARTIFACT, PRODUCTION, RUN, SERVED, Said, World, counts, release, scan
from hypothesis import given, settings
from hypothesis import strategies as st

from wardline.canonical import Digest, JSONObject
from wardline.delivery.read_for_gate import OF_THE_RUN, SINCE_THE_RUN, UNDER_EMERGENCY, UNTIL_TOLD, evidence_for
from wardline.evidence.log import Evidence
from wardline.gates import readings
from wardline.gates.break_glass_predicates import BREAK_GLASS
from wardline.gates.facts import READ, gather
from wardline.gates.predicates import DECISION
from wardline.gates.review_debts import OWED
from wardline.ids import RunId
from wardline.outcomes import Outcome

RUNS = [RUN, RunId("r-other"), RunId("r-third"), None]
ARTIFACTS = [ARTIFACT, SERVED, Digest.of(b"third")]
RELEASES = [("1.0-aa", SERVED), ("1.1-bb", ARTIFACT), ("0.9-zz", ARTIFACTS[2]), ("1.0-aa", ARTIFACTS[2])]
PLACES = ["production", "staging", "moon", None, ["production"]]
PHASES = ["begun", "succeeded", "rolled-back", "failed", "stopped"]


@st.composite
def deployments(draw: st.DrawFn) -> Said:
    named = st.one_of(st.none(), st.sampled_from(RELEASES).map(lambda each: release(*each)))
    body = {
        "service": draw(st.sampled_from(["eligibility", "eligibility", "billing"])),
        "environment": draw(st.sampled_from(PLACES)),
        "release": draw(named),
        "previous": draw(named),
        "phase": draw(st.sampled_from(PHASES)),
        "serving": draw(st.sampled_from(["1.0-aa", "1.1-bb", "0.9-zz", "unheard-of", None, 7])),
    }
    if draw(st.booleans()):
        del body["serving"]
    return Said(readings.DEPLOYMENT, body, draw(st.sampled_from(ARTIFACTS)))


@st.composite
def rehearsals(draw: st.DrawFn) -> Said:
    body = {"service": draw(st.sampled_from(["eligibility", "billing"])), "environment": "staging", "rollback_ms": 850}
    return Said(readings.REHEARSAL, body, draw(st.sampled_from(ARTIFACTS)))


@st.composite
def looks(draw: st.DrawFn) -> Said:
    about, outcome = draw(st.sampled_from(ARTIFACTS)), draw(st.sampled_from(Outcome))
    what = draw(st.sampled_from(["scan", "tests", "sbom", "source", "provenance"]))
    match what:
        case "scan":
            return Said(readings.SCAN, scan(*draw(st.sets(st.sampled_from(["F-1", "F-2", "F-3"])))), about, outcome)
        case "tests":
            return Said(readings.TEST_RESULT, counts(executed=draw(st.integers(0, 9))), about, outcome)
        case "sbom":
            return Said(readings.SBOM, {"components": draw(st.integers(0, 9))}, about, outcome)
        case "source":
            author = draw(st.sampled_from(["ada", "ben", None]))
            return Said(readings.SOURCE, {"commit": {"sha": "c0ffee"}, "author": author}, about)
        case _:
            return Said(readings.PROVENANCE, {}, about)


TOLD = st.tuples(st.sampled_from(RUNS), st.one_of(deployments(), deployments(), rehearsals(), looks()))


@settings(deadline=None, max_examples=300)
@given(st.lists(TOLD, max_size=25), st.sampled_from(["production", "staging"]), st.booleans())
def test_the_facts_are_those_of_the_whole_log(
    told: list[tuple[RunId | None, Said]], environment: str, shipped: bool
) -> None:
    world = World()
    for number, (run, said) in enumerate(told):
        if shipped and number == len(told) // 2:
            world.ship(findings=("F-1",))
        world.say(f"step-{number}", said, run=run)
        world.clock.advance(timedelta(seconds=1))
    door, now = world.door(environment=environment), world.clock.now()
    read = evidence_for(door, world.log)
    assert [item.index for item in read] == sorted({item.index for item in read})
    assert gather(door, read, now=now, deadline=None) == gather(
        door, tuple(world.log.every(*READ)), now=now, deadline=None
    )


@dataclass
class Counted:
    """The world's log, counting what it hands out."""

    world: World
    count: int = 0

    def size(self) -> int:
        return self.world.log.size()

    def of_run(self, run: RunId) -> Iterator[Evidence]:
        return self._counted(self.world.log.of_run(run))

    def every(self, *types: str) -> Iterator[Evidence]:
        return self._counted(self.world.log.every(*types))

    def youngest(self, *types: str) -> Iterator[Evidence]:
        return self._counted(self.world.log.youngest(*types))

    def _counted(self, items: object) -> Iterator[Evidence]:
        for item in items:
            self.count += 1
            yield item


def test_runs_that_are_over_are_not_read() -> None:
    counts_read = []
    for others in (1, 30):
        world = World()
        for number in range(others):
            run, about = RunId(f"r-old-{number}"), Digest.of(b"%d" % number)
            for said in (
                Said(readings.SOURCE, {"commit": {"sha": "c0ffee"}, "author": "ada"}, about),
                Said(readings.PROVENANCE, {}, about),
                Said(readings.TEST_RESULT, counts(), about),
                Said(readings.SBOM, {"components": 9}, about),
                Said(readings.SCAN, scan("F-9"), about),
                Said(readings.REHEARSAL, {"service": "eligibility"}, about),
            ):
                world.say(f"{said.predicate_type}/{number}", said, run=run)
            world.serve(about, name=f"0.{number}", environment="production")
        world.serve()
        world.ship()
        log = Counted(world)
        evidence_for(world.door(environment=PRODUCTION), log)
        counts_read.append(log.count)
    assert counts_read[0] == counts_read[1]


def test_what_a_run_under_break_glass_left_is_read_however_old_it_is() -> None:
    for broken in (RunId("r-old"), None):
        world, old = World(), RunId("r-old")
        body: JSONObject = {"subject": {"run": "r-old"}}
        said = [
            world.say("source", Said(readings.SOURCE, {"author": "ada"}, SERVED), run=old),
            world.say("glass", Said(BREAK_GLASS, body, SERVED), run=broken),
            world.say("production/gate", Said(DECISION, {}, SERVED), run=old),
        ]
        moved: JSONObject = {"service": "eligibility", "environment": "production", "decision": said[-1].index}
        said.append(world.say("production/deploy", Said(readings.DEPLOYMENT, moved, SERVED), run=old))
        for _ in range(3):
            world.serve()
        world.ship()
        read = {item.index for item in evidence_for(world.door(), world.log)}
        assert {item.index for item in said if item.statement.predicate_type in OWED} - read <= {
            item.index for item in said if item.statement.predicate_type == BREAK_GLASS and BREAK_GLASS not in READ
        }


def test_a_type_that_nothing_is_said_of_is_read_whole() -> None:
    assert set(READ) >= OF_THE_RUN | SINCE_THE_RUN | UNTIL_TOLD
    world, log = World(), []
    world.ship()
    counted = Counted(world)
    asked = counted.every
    counted.every = lambda *types: [log.append(types), asked(*types)][1]  # type: ignore[method-assign, assignment]
    evidence_for(world.door(), counted)
    assert set(log[0]) == set(READ) - OF_THE_RUN - SINCE_THE_RUN - UNTIL_TOLD - UNDER_EMERGENCY
