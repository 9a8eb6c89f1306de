"""The story of `make demo`: five versions of a service on their way to production, in a few minutes.

Everything is real: processes, traffic, keys, gates, proofs. Only the people and the patients are invented. What the
story claims it has looked at; where something is not so it says so, and ends with 1.
"""

import argparse
import os
import shutil
import signal
import sys
import tempfile
import threading
import time
from pathlib import Path

from stage import (
    ADA,
    CLEO,
    PEOPLE,
    SAM,
    Callers,
    Person,
    Repository,
    Ship,
    Wardline,
    free_port,
    left_running,
    serves,
    since,
)
from terminal import BrokenError, Narrator

REQUESTS_A_SECOND = 90  # enough for a canary of a tenth to be judged in seconds, little enough for two cores
APPROVALS_SECONDS = 20  # how long a run waits for people here; in the example's own file it is 72 hours
OK, ERROR, DENIED, VERIFICATION_FAILED, UNDECIDED = 0, 1, 4, 5, 6


class Story:
    """Its chapters, in order."""

    def __init__(self, folder: Path) -> None:
        port = free_port()
        self.folder = folder
        self.url = f"http://127.0.0.1:{port}"
        self.tell = Narrator()
        self.wardline = Wardline(folder, self.tell)
        self.repository = Repository(folder, changes=suited(port))
        self.callers: Callers | None = None
        self.ship: Ship | None = None
        self.runs: dict[str, str] = {}

    def play(self) -> None:
        self.people()
        self.first_release()
        self.good_change()
        self.failing_test()
        self.missing_approval()
        self.bad_under_load()
        self.proof()
        self.page()

    def people(self) -> None:
        tell = self.tell
        tell.chapter("Who may do what")
        tell.tell(
            """A front desk asks: is this patient insured, and what will the visit cost? Five versions of the service
            that answers want to reach production. First, who are the people? Each has a key of their own; an
            administrator enrols them, and that is the first evidence in the log. Names stay outside it."""
        )
        for person in PEOPLE:
            self.wardline.make_key(person)
            self.wardline.enrol(person)
            tell.types(f"wardline people enrol {person.id} --role {person.role} --key {ADA.role}.key")
        tell.tell("Devi writes code, so Devi's word cannot release it. Sam and Cleo must both say yes to production.")

    def first_release(self) -> None:
        tell = self.tell
        tell.chapter("1.0: the first release")
        tell.tell(
            f"""Callers begin to ask, {REQUESTS_A_SECOND} times a second, and will not stop until the end. Nothing
            answers yet. The way: build one closed bundle, test it, scan it, then development, staging, production,
            the same bundle everywhere."""
        )
        self.callers = Callers(self.url, self.folder, rate=REQUESTS_A_SECOND)
        code = self._ship("1.0", approvals=(SAM, CLEO), shown=True)
        tell.claim("1.0 went from commit to production", holds=code == OK)
        tell.claim("1.0 answers in production", holds=serves(self.url) == "1.0")

    def good_change(self) -> None:
        tell = self.tell
        tell.chapter("1.1: a good change, while everybody is asking")
        self._commit("1.1")
        tell.tell(
            """It adds two columns to the members' table. In staging Wardline now rehearses the way back, 1.0 → 1.1 →
            1.0 → 1.1, before it may go on. In production a tenth of the callers meet it first, then half, then all."""
        )
        before = self._counts()
        code = self._ship("1.1", approvals=(SAM, CLEO))
        counted = since(before, self._counts())
        tell.claim("1.1 went to production", holds=code == OK and serves(self.url) == "1.1")
        both = counted.get("1.0 answered", 0) > 0 and counted.get("1.1 answered", 0) > 0
        tell.claim("while it took over, callers were answered by 1.0 and by 1.1", holds=both)
        answered, failed, dropped = (counted[kind] for kind in ("answered", "failed", "dropped"))
        text = f"of {answered + failed + dropped} requests meanwhile {dropped} were dropped and {failed} failed"
        tell.claim(text, holds=dropped == failed == 0 < answered)

    def failing_test(self) -> None:
        tell = self.tell
        tell.chapter("1.2: a small mistake")
        self._commit("1.2")
        tell.tell(
            """One character: a patient on the last day of their coverage would be sent away as uninsured. A test
            knows better."""
        )
        code = self._ship("1.2")
        tell.claim("1.2 was stopped: the gate read the test report and said no", holds=code == DENIED)
        self._still("1.1")

    def missing_approval(self) -> None:
        tell = self.tell
        tell.chapter("1.3: nobody answers")
        self._commit("1.3")
        tell.tell(
            f"""The mistake is mended, every machine is content, Sam agrees. Cleo is away. Wardline waits as long as
            the file says: {APPROVALS_SECONDS} seconds here, 72 hours in a hospital."""
        )
        code = self._ship("1.3", approvals=(SAM,))
        tell.claim("1.3 was stopped: silence is not a yes", holds=code == UNDECIDED)
        self._still("1.1")

    def bad_under_load(self) -> None:
        tell = self.tell
        tell.chapter("1.4: everything is green, and it is bad")
        self._commit("1.4")
        tell.tell(
            """It keeps database connections open, to be faster. For a patient who is not a member it forgets to give
            one back. No test asks often enough to notice, and nobody asks so in staging. Both approvals are
            given."""
        )
        before = self._counts()
        code = self._ship("1.4", approvals=(SAM, CLEO))
        counted = since(before, self._counts())
        status = self.wardline.status_of(self.runs["1.4"])
        tell.claim("the canary caught it, and 1.1 was put back at once, by itself", holds=code == ERROR)
        tell.claim(f"the run says so: {status}", holds=status == "rolled-back")
        bad, met = counted.get("1.4 failed", 0), counted["answered"] + counted["failed"]
        share = f"{bad} of {met} requests ({100 * bad / max(met, 1):.1f} %)"
        tell.claim(f"all that callers saw of it: {share} were answered with an error", holds=0 < bad < met / 10)
        tell.claim(f"{counted['dropped']} requests were dropped", holds=counted["dropped"] == 0)
        self._still("1.1")
        after = self._counts()
        time.sleep(2)
        quiet = since(after, self._counts())
        tell.claim("and since then not one request failed", holds=quiet["failed"] == 0 and quiet["answered"] > 0)

    def proof(self) -> None:
        tell = self.tell
        tell.chapter("Proof for an outsider")
        tell.tell(
            """An auditor comes, and trusts nobody here. Of each run they get one file; of the log they were given the
            public key, once, beforehand. They verify on their own machine: no network, no state of ours."""
        )
        for version in ("1.1", "1.4"):
            file = self.folder / f"{version}.packet.html"
            key = self.wardline.packet(self.runs[version], file)
            tell.types(f"wardline verify {file.name} --key {key[:40]}…")
            verified = self.wardline.verify(file, key=key)
            tell.hears(verified.stdout + verified.stderr)
            tell.claim(f"the packet of {version} holds", holds=verified.returncode == OK)
        forged = self.folder / "1.4-forged.packet.html"
        forged.write_bytes(_one_digit_changed(file.read_bytes()))
        tell.tell("Somebody would like 1.4 to look better, and changes one digit.")
        tell.types(f"wardline verify {forged.name} --key {key[:40]}…")
        refused = self.wardline.verify(forged, key=key)
        tell.hears("\n".join((refused.stdout + refused.stderr).rstrip().splitlines()[-3:]))
        tell.claim("the forged packet was refused, exit 5", holds=refused.returncode == VERIFICATION_FAILED)

    def page(self) -> None:
        tell = self.tell
        tell.chapter("What ran where, and what the log says")
        if self.callers:
            self.callers.stop()
        for command in (("status",), ("runs", "list"), ("metrics",), ("log", "check")):
            tell.types(f"wardline {' '.join(command)}")
            tell.hears(self.wardline(*command))
        measured = self.wardline.json("metrics")
        figures = measured["services"][0]
        trail = measured["audit_trail"]
        tell.claim("two changes reached production and stayed: 1.0 and 1.1", holds=figures["deployments"] == 2)
        tell.claim("of three that met callers one was taken back", holds=figures["change_failure_rate_bp"] == 3333)
        tell.claim("the audit trail is complete: 100 %", holds=trail["completeness_bp"] == 10_000)
        total = self._counts()
        sums = total["answered"] + total["failed"] + total["dropped"]
        tell.claim(
            f"of {sums} requests from first to last, {total['dropped']} were dropped", holds=total["dropped"] == 0
        )

    def _commit(self, version: str) -> None:
        subject = self.repository.apply(version)
        self.tell.tell(f"Devi commits: “{subject}”.")

    def _ship(self, version: str, *, approvals: tuple[Person, ...] = (), shown: bool = False) -> int:
        """Ship what is committed; once the run waits, `approvals` come in from other processes."""
        self.ship = ship = self.wardline.ship(self.repository.path)
        if ship.until_it_waits():
            self._approve(ship, approvals, shown=shown)
        code = ship.end()
        self.runs[version] = ship.run
        if code not in {OK, DENIED, UNDECIDED, ERROR}:
            raise BrokenError(f"ship left with {code}:\n{ship.tail()}")
        self.tell.hears(f"exit {code}")
        return code

    def _approve(self, ship: Ship, people: tuple[Person, ...], *, shown: bool) -> None:
        said: list[str] = []
        problems: list[BrokenError] = []

        def sign(person: Person) -> None:
            try:
                said.append(self.wardline.approve(ship.run, person, "Read the evidence; agreed."))
            except BrokenError as error:
                problems.append(error)

        signing = [threading.Thread(target=sign, args=(person,)) for person in people]
        for person, thread in zip(people, signing, strict=True):
            self.tell.types(f"wardline approve {ship.run} --role {person.role} --key {person.role}.key --reason …")
            thread.start()
        for thread in signing:
            thread.join()
        for problem in problems:
            raise problem
        if shown and said:
            self.tell.tell("What Sam was shown, and signed:" if people[0] is SAM else "What was signed:")
            self.tell.hears(said[0])

    def _counts(self) -> dict[str, int]:
        if self.callers is None:
            raise BrokenError("nobody is calling")
        time.sleep(0.7)  # the summary is written twice a second
        return self.callers.counts()

    def _still(self, version: str) -> None:
        self.tell.claim(f"production still answers with {version}", holds=serves(self.url) == version)

    def close(self, *, keep: bool) -> None:
        """Leave nothing running, unless asked to."""
        if self.ship is not None:
            self.ship.leave()
        if self.callers is not None:
            self.callers.stop()
        if keep:
            self.tell.chapter("Left for you to look at")
            self.tell.tell(f"Production answers at {self.url}. In another terminal:")
            self.tell.types(f"export WARDLINE_HOME={self.wardline.home} ELIGIBILITY_LOG_KEY=any")
            self.tell.types("wardline status; wardline runs list; wardline log list")
            self.tell.tell("To stop and forget it all:")
            self.tell.types("wardline environments stop all")
            self.tell.types(f"rm -r {self.folder}")
            return
        problem = self.wardline.stop_everything()
        left = left_running(self.folder)
        self.tell.claim("nothing is left running", holds=not left)
        if problem or left:
            self.tell.warn(f"{problem}processes {left}; see {self.folder}")
            return
        shutil.rmtree(self.folder)


def suited(port: int) -> dict[str, str]:
    """What the story changes in the example's wardline.yaml: a known port, and less patience."""
    production = "  production:\n    target: {kind: local, instances: 2"
    return {production: f"{production}, port: {port}", "72h  ": f"{APPROVALS_SECONDS}s  "}


def _one_digit_changed(packet: bytes) -> bytes:
    place = next(i for i in range(len(packet) // 2, len(packet)) if packet[i : i + 1].isdigit())
    other = b"0" if packet[place : place + 1] != b"0" else b"1"
    return packet[:place] + other + packet[place + 1 :]


def main() -> int:
    parser = argparse.ArgumentParser(prog="story", description="Tell the story of make demo.")
    parser.add_argument("--keep", action="store_true", help="leave everything running and in place afterwards")
    keep = bool(parser.parse_args().keep or os.environ.get("KEEP"))
    for number in (signal.SIGTERM, signal.SIGHUP):  # a story told off leaves nothing running either
        signal.signal(number, lambda received, _: sys.exit(128 + received))
    story = Story(Path(tempfile.mkdtemp(prefix="wardline-demo-")))
    try:
        told = _told(story)
    finally:
        story.close(keep=keep)
    tell = story.tell
    if tell.broken or not told:
        tell.warn(f"The story did not hold: {len(tell.broken)} of its claims are not so.")
        for text in tell.broken:
            tell.warn(f"  ✗ {text}")
        return 1
    tell.tell(f"{tell.held} claims, all of them so, in {tell.seconds // 60} min {tell.seconds % 60} s.")
    return 0


def _told(story: Story) -> bool:
    try:
        story.play()
    except BrokenError as error:
        story.tell.warn(f"The story broke off: {error}")
        return False
    return True


if __name__ == "__main__":
    sys.exit(main())
