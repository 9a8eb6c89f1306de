"""VEX: what a supplier says of a vulnerability in a product, as OpenVEX 0.2 or CSAF 2.0 (profile VEX).

A word clears a finding only with a justification that is one of the five published ones; every word is kept beside
the finding that it speaks of, and none is dropped silently.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from wardline.canonical import JSON, JSONObject
from wardline.clock import to_rfc3339
from wardline.errors import InvalidInput


class Status(StrEnum):
    NOT_AFFECTED = "not_affected"
    FIXED = "fixed"
    AFFECTED = "affected"
    UNDER_INVESTIGATION = "under_investigation"


JUSTIFICATIONS: Final = frozenset(
    {
        "component_not_present",
        "vulnerable_code_not_present",
        "vulnerable_code_not_in_execute_path",
        "vulnerable_code_cannot_be_controlled_by_adversary",
        "inline_mitigations_already_exist",
    }
)
_CSAF: Final = {
    "known_not_affected": Status.NOT_AFFECTED,
    "fixed": Status.FIXED,
    "first_fixed": Status.FIXED,
    "known_affected": Status.AFFECTED,
    "first_affected": Status.AFFECTED,
    "last_affected": Status.AFFECTED,
    "under_investigation": Status.UNDER_INVESTIGATION,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """One word on one vulnerability. `justification`: one of JUSTIFICATIONS, or None where none was given."""

    status: Status
    justification: str | None
    at: datetime
    author: str

    @property
    def clears(self) -> bool:
        """Whether it says, with its reason, that nothing is to be done. "Fixed" is for the version to say."""
        return self.status is Status.NOT_AFFECTED and self.justification is not None

    def to_json(self) -> JSONObject:
        return {
            "status": self.status.value,
            "justification": self.justification,
            "at": to_rfc3339(self.at),
            "author": self.author,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """`products` are purls; `within` the component inside them that it speaks of, empty: the product itself."""

    names: frozenset[str]
    products: frozenset[str]
    within: frozenset[str]
    said: Said


@dataclass(frozen=True, slots=True, kw_only=True)
class VEX:
    statements: tuple[Statement, ...]

    def of(self, names: frozenset[str], component: str, product: str | None) -> Iterator[Said]:
        """Yield what is said of a vulnerability with these `names` in `component` of `product`, both purls."""
        for each in self.statements:
            if not each.names & names:
                continue
            whole = product is not None and any(_covers(purl, product) for purl in each.products)
            inside = any(_covers(purl, component) for purl in each.within)
            own = not each.within and any(_covers(purl, component) for purl in each.products)
            if own or (whole and (inside or not each.within)):
                yield each.said


def read_vex(document: JSON) -> VEX:
    """Return the statements of an OpenVEX or CSAF document.

    Raises:
        InvalidInput: It is neither, or a statement of it cannot be understood.
    """
    if not isinstance(document, dict):
        raise InvalidInput("VEX: expected a JSON object")
    match document:
        case {
            "@context": str(context),
            "author": str(author),
            "timestamp": str(at),
            "statements": list(statements),
        } if "openvex" in context:
            found = [_openvex(each, author=author, at=at) for each in statements]
        case {"document": dict(head), "vulnerabilities": list(vulnerabilities)}:
            found = [said for each in vulnerabilities for said in _csaf(each, document, head)]
        case _:
            raise InvalidInput("VEX: expected an OpenVEX or a CSAF document as JSON")
    if not found:
        raise InvalidInput("VEX: expected at least one statement, got none")
    return VEX(statements=tuple(found))


def _covers(pattern: str, purl: str) -> bool:
    """Return whether `pattern`, a purl with or without version, names `purl`; qualifiers are left aside."""
    own, other = (each.partition("?")[0].partition("#")[0].replace("%40", "@") for each in (pattern, purl))
    return own == other or ("@" not in own.rpartition("/")[2] and other.rpartition("@")[0] == own)


def _openvex(document: JSON, *, author: str, at: str) -> Statement:
    if not isinstance(document, dict):
        raise InvalidInput("VEX: statement: expected an object")
    match document:
        case {"vulnerability": vulnerability, "products": list(products), "status": str(status)} if status in set(
            Status
        ):
            said = Said(
                status=Status(status),
                justification=_justification(document.get("justification")),
                at=_moment(document.get("timestamp", at)),
                author=author,
            )
        case _:
            raise InvalidInput("VEX: statement: expected vulnerability, products and a status")
    if said.status is Status.NOT_AFFECTED and said.justification is None and "impact_statement" not in document:
        raise InvalidInput("VEX: statement: not_affected without a justification")
    inside = {name for each in products if isinstance(each, dict) for name in _subcomponents(each)}
    return Statement(
        names=frozenset(_names(vulnerability)),
        products=frozenset(name for each in products for name in _identifiers(each)),
        within=frozenset(inside),
        said=said,
    )


def _names(vulnerability: JSON) -> list[str]:
    match vulnerability:
        case str(name):
            return [name]
        case {"name": str(name), **rest}:
            aliases = rest.get("aliases")
            return [name, *(each for each in aliases if isinstance(each, str))] if isinstance(aliases, list) else [name]
        case _:
            raise InvalidInput("VEX: statement: expected a vulnerability with a name")


def _identifiers(product: JSON) -> list[str]:
    match product:
        case str(name) | {"identifiers": {"purl": str(name)}} | {"@id": str(name)}:
            return [name]
        case _:
            raise InvalidInput("VEX: product: expected an @id or a purl")


def _subcomponents(product: JSONObject) -> list[str]:
    inside = product.get("subcomponents")
    return [name for each in inside for name in _identifiers(each)] if isinstance(inside, list) else []


def _justification(value: JSON) -> str | None:
    if value is None:
        return None
    if not isinstance(value, str) or value not in JUSTIFICATIONS:
        raise InvalidInput(f"VEX: justification: expected one of {', '.join(sorted(JUSTIFICATIONS))}")
    return value


def _moment(value: JSON) -> datetime:
    try:
        moment = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError as error:
        raise InvalidInput("VEX: expected a moment (RFC 3339)") from error
    if moment is None or moment.tzinfo is None:
        raise InvalidInput("VEX: expected a moment with its zone (RFC 3339)")
    return moment


def _csaf(vulnerability: JSON, document: JSONObject, head: JSONObject) -> Iterator[Statement]:
    match head:
        case {"publisher": {"name": str(author)}, "tracking": {"current_release_date": str(at)}}:
            pass
        case _:
            raise InvalidInput("VEX: document: expected a publisher and a current_release_date")
    by_status = vulnerability.get("product_status") if isinstance(vulnerability, dict) else None
    if not isinstance(vulnerability, dict) or not isinstance(by_status, dict):
        raise InvalidInput("VEX: vulnerability: expected a product_status")
    names = frozenset(_csaf_names(vulnerability))
    purls, flags = _csaf_purls(document.get("product_tree")), _csaf_flags(vulnerability.get("flags"))
    for status, members in by_status.items():
        for product in members if isinstance(members, list) and status in _CSAF else []:
            if not isinstance(product, str) or product not in purls:
                raise InvalidInput("VEX: product_status: names a product without a purl in the product tree")
            whole, within = purls[product]
            said = Said(status=_CSAF[status], justification=flags.get(product), at=_moment(at), author=author)
            yield Statement(names=names, products=frozenset({whole}), within=within, said=said)


def _csaf_names(vulnerability: JSONObject) -> list[str]:
    ids = vulnerability.get("ids")
    others = [each.get("text") for each in ids if isinstance(each, dict)] if isinstance(ids, list) else []
    names = [each for each in (vulnerability.get("cve"), *others) if isinstance(each, str)]
    if not names:
        raise InvalidInput("VEX: vulnerability: expected a cve or an id")
    return names


def _csaf_flags(flags: JSON) -> dict[str, str]:
    found: dict[str, str] = {}
    for flag in flags if isinstance(flags, list) else []:
        match flag:
            case {"label": str(label), "product_ids": list(products)}:
                reason = _justification(label)
                found |= {each: reason for each in products if isinstance(each, str) and reason is not None}
            case _:
                raise InvalidInput("VEX: flag: expected a label and product_ids")
    return found


def _csaf_purls(tree: JSON) -> dict[str, tuple[str, frozenset[str]]]:
    """Return product and component of every product id that has a purl."""
    if not isinstance(tree, dict):
        raise InvalidInput("VEX: expected a product_tree")
    found: dict[str, tuple[str, frozenset[str]]] = {}
    waiting: list[JSON] = [tree.get("full_product_names"), tree.get("branches")]
    while waiting:
        match waiting.pop():
            case list(several):
                waiting += several
            case {"product_id": str(name), "product_identification_helper": {"purl": str(purl)}}:
                found[name] = (purl, frozenset())
            case dict(branch):
                waiting += [branch.get("product"), branch.get("branches")]
            case _:
                continue
    return found | dict(_csaf_parts(tree.get("relationships"), found))


def _csaf_parts(
    relationships: JSON, found: dict[str, tuple[str, frozenset[str]]]
) -> Iterator[tuple[str, tuple[str, frozenset[str]]]]:
    for each in relationships if isinstance(relationships, list) else []:
        match each:
            case {
                "full_product_name": {"product_id": str(name)},
                "product_reference": str(part),
                "relates_to_product_reference": str(whole),
            } if part in found and whole in found:
                yield name, (found[whole][0], frozenset({found[part][0]}))
            case _:
                continue
