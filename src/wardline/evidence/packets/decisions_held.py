"""What must hold of decisions in a packet: what they rest on, what they allowed, and what they were made by."""

from collections.abc import Sequence

from wardline import canonical
from wardline.canonical import Digest
from wardline.errors import IntegrityViolation
from wardline.evidence.log import Evidence
from wardline.evidence.mentions import DECISION, DEPLOYMENT, blobs_of, member, rests_on
from wardline.evidence.packets.packet import Contents
from wardline.outcomes import Outcome
from wardline.predicates import BlobRef

# What no policy said: the reason that stands where none applied.
_NOBODY = "none"


def check_decisions(own: Sequence[Evidence], everything: Sequence[Evidence]) -> int:
    """Return how many deployments the run made, each under an Allow for the same artifact and environment.

    Raises:
        IntegrityViolation: One was not, or a statement rests on what is not here before it.
    """
    here = {item.index: item for item in everything}
    deployments = 0
    for item in own:
        missing = sorted(index for index in rests_on(item) if index not in here or index >= item.index)
        if missing:
            raise IntegrityViolation(f"statement {item.index} rests on {missing[0]}, which is not here before it")
        if item.statement.predicate_type == DEPLOYMENT:
            _check_allowed(item, here)
            deployments += 1
    return deployments


def check_policies(contents: Contents) -> str:
    """Return what was found of the policies by which the decisions in `contents` were made.

    Raises:
        IntegrityViolation: A decision names other policies than its digest says, or they are not here and not
            said to be absent, or they do not know what spoke.
    """
    here = {blob.reference: blob.content for blob in contents.blobs}
    gone = {absent.reference for absent in contents.absent}
    decisions, read = 0, set[Digest]()
    for item in contents.evidence():
        if item.statement.predicate_type == DECISION:
            decisions += 1
            for reference in _kept_documents(item):
                if reference not in here and reference not in gone:
                    raise IntegrityViolation(
                        f"statement {item.index}: the document {reference.digest} of its decision is not here"
                    )
            named = _document(item, "policies", "policy_digest")
            policies = here.get(named)
            # What is not what its digest says is for the check of blobs to tell.
            if policies is not None and Digest.of(policies) == named.digest:
                _check_spoken(item, policies)
                read.add(named.digest)
    absent = "" if not gone else f"; {len(gone)} documents are no longer kept"
    return f"{decisions} decisions by {len(read)} sets of policies{absent}"


def _kept_documents(item: Evidence) -> tuple[BlobRef, ...]:
    return _document(item, "policies", "policy_digest"), _document(item, "input", "input_digest")


def _document(item: Evidence, name: str, digest_name: str) -> BlobRef:
    """Return the document that a decision names, if it is the one whose digest it states."""
    said = member(item.statement.body, "wardline_decision")
    digests = [member(said, digest_name, "sha256")]
    if name == "policies":
        digests.append(member(item.statement.body, "policy", "digest", "sha256"))
    found = [reference for reference in blobs_of(item) if all(digest == reference.digest.hex for digest in digests)]
    found = [reference for reference in found if reference.to_json() == member(said, name)]
    if len(found) != 1:
        raise IntegrityViolation(f"statement {item.index}: its {digest_name} is not the digest of its {name}")
    return found[0]


def _check_spoken(item: Evidence, policies: bytes) -> None:
    """Check that every reason is by one of the policies, and speaks to the controls that this policy names."""
    document = canonical.decode(policies)
    if not isinstance(document, list):
        raise IntegrityViolation(f"statement {item.index}: its policies are no list")
    asked = [(member(policy, "id"), member(policy, "controls")) for policy in document]
    spoken = {canonical.encode([name, controls]) for name, controls in (*asked, (_NOBODY, []))}
    reasons = member(item.statement.body, "wardline_decision", "reasons")
    for reason in reasons if isinstance(reasons, list) else []:
        if canonical.encode([member(reason, "policy"), member(reason, "controls")]) not in spoken:
            raise IntegrityViolation(f"statement {item.index}: a reason is by no policy that was asked")


def _check_allowed(item: Evidence, here: dict[int, Evidence]) -> None:
    """Check that a deployment names an Allow for the same artifact in the same environment."""
    body = item.statement.body
    index = next(iter(rests_on(item)), None)
    decision = None if index is None else here[index]
    if decision is None or decision.statement.predicate_type != DECISION:
        raise IntegrityViolation(f"statement {item.index}: a deployment that names no decision")
    said = decision.statement.body
    verdict = (member(said, "wardline_decision", "verdict"), said.get("verificationResult"))
    if verdict != ("allow", "PASSED") or decision.statement.context.outcome is not Outcome.PASSED:
        raise IntegrityViolation(f"statement {item.index}: a deployment under decision {index}, which is no Allow")
    judged = [subject.digest.hex for subject in decision.statement.subjects]
    shipped = [subject.digest.hex for subject in item.statement.subjects]
    if judged != shipped or shipped != [member(body, "release", "artifact", "sha256")]:
        raise IntegrityViolation(f"statement {item.index}: decision {index} is about another artifact")
    if body.get("environment") != member(said, "wardline_decision", "environment"):
        raise IntegrityViolation(f"statement {item.index}: decision {index} is about another environment")
