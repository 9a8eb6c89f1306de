"""How it looks on a terminal and as JSON what forgetting a person destroys, and what stays."""

from wardline.canonical import JSONObject
from wardline.delivery.forget import Doomed


def doomed_to_lines(doomed: Doomed) -> list[str]:
    kept = doomed.kept
    until = "" if kept.until is None else f", until {kept.until:%Y-%m-%d} at least"
    lines = [
        "will be destroyed:",
        f"  name: {doomed.name or '-'}",
        f"  addresses: {', '.join(doomed.addresses) or '-'}",
        f"  keys: {', '.join(f'{key.subject} ({key.id[:12]})' for key in doomed.keys) or '-'}",
        f"  texts that only these keys open: {len(doomed.texts)}",
        *(f"    sha256:{digest.hex}" for digest in doomed.texts),
        "will stay:",
        f"  {kept.statements} statements by or about them, {kept.signed} of them signed by them, under the pseudonym",
        f"  because the law asks for them: GDPR Art. 17(3)(b), {kept.law}{until}; leaves are never removed",
    ]
    if doomed.unreadable:
        lines.append(f"  {doomed.unreadable} damaged texts, whoever's they are: `wardline log completeness` names them")
    if doomed.roles:
        roles = ", ".join(sorted(role.value for role in doomed.roles))
        lines.append(f"  they stay enrolled as {roles}: an administrator lets them go by enrolling them without roles")
    if doomed.signed_at is not None:
        rest = "nothing is left" if doomed.nothing_left else "what is left of it is destroyed now"
        lines.append(f"signed for already at log index {doomed.signed_at}: {rest}")
    lines += [f"a legal hold forbids it: log index {index}" for index in doomed.blocked_by]
    return lines


def doomed_to_json(doomed: Doomed) -> JSONObject:
    return {
        "principal": doomed.principal,
        "destroys": {
            "name": doomed.name,
            "addresses": list(doomed.addresses),
            "keys": [{"subject": key.subject, "id": key.id} for key in doomed.keys],
            "texts": [str(digest) for digest in doomed.texts],
        },
        "keeps": doomed.kept.to_json(),
        "unreadable": doomed.unreadable,
        "roles": [role.value for role in sorted(doomed.roles)],
        "blocked_by": list(doomed.blocked_by),
        "signed_at": doomed.signed_at,
    }
