"""Keys: those people sign with, and the installation's own with their changes."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from wardline.adapters.signing.folder import KeyFolder
from wardline.adapters.signing.keys import create_personal_key
from wardline.adapters.signing.public_keys import write_public_key
from wardline.adapters.signing.references import is_file, open_personal
from wardline.bootstrap.approvals import look_again
from wardline.bootstrap.home import Home
from wardline.bootstrap.own_keys import key_folder
from wardline.delivery.change_keys import KeyDesk, Revocation
from wardline.delivery.sign import Signatory
from wardline.errors import Conflict, InvalidInput, NotFound, Refused
from wardline.evidence.envelopes import Signer
from wardline.evidence.log import Evidence
from wardline.evidence.signatories import Signatories
from wardline.identity.keyring import InstallationKey, KeyState
from wardline.identity.predicates import Purpose, RevocationReason
from wardline.identity.principals import PublicKey, Scheme
from wardline.ids import PrincipalId
from wardline.tlog.note import VerifierKey

_SHORTEST_NAME = 8  # hexadecimal digits: among a few hundred keys two that begin alike have odds of one in 10^5


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyRow:
    """A key the log knows, and what it is good for.

    Attributes:
        holder: None: the installation.
        purposes: Of the installation's: what it may sign; empty: a person's own word.
        since, until: From which leaf on it counts, and with which leaf that ended; None: from the start, still.
        state: `valid`, `replaced` (a person has another one), `retired` or `revoked`.
        at_hand: Of the installation's: whether this machine can sign with it.
    """

    key: PublicKey
    holder: PrincipalId | None
    purposes: tuple[Purpose, ...]
    since: int | None
    until: int | None
    state: str
    at_hand: bool | None


def new_key(file: Path, passphrase: Callable[[], str]) -> Path:
    """Make a personal key, and write its public half beside it; `passphrase` is asked only where there is room.

    Raises:
        Conflict: One of the two files exists.
        Unavailable: There is no such folder.
    """
    public = file.with_name(f"{file.name}.pub")
    for each in (file, public):
        if each.exists():
            raise Conflict(f"key {each} exists, and a key is never overwritten", remedy="Name another file.")
    made = create_personal_key(file, passphrase())
    return write_public_key(public, made.public_key)


def write_public(reference: str, to: Path, secret: Callable[[], str]) -> PublicKey:
    """Write the public half of a key, wherever it lies, for an administrator; return it."""
    key = open_personal(reference, secret).public_key
    write_public_key(to, key)
    return key


def personal_signer(reference: str, secret: Callable[[], str]) -> Signer:
    """Return a person's key; `secret` is asked for its passphrase or PIN, where it has one."""
    return open_personal(reference, secret)


def checkpoint_keys(home: Home) -> tuple[VerifierKey, ...]:
    """Return the keys that sign the log's checkpoints now, each named after the log: any of them leads to the rest."""
    return _desk(home).signatories().checkpoint_keys()


def list_keys(home: Home) -> tuple[KeyRow, ...]:
    """Return every key the log knows: the installation's first, in the order in which they were added."""
    known = _desk(home).signatories()
    at_hand = {signer.public_key.keyid for signer in key_folder(home.settings).signers()}
    own = (
        KeyRow(
            key=held.key,
            holder=None,
            purposes=tuple(sorted(held.purposes)),
            since=held.added_at,
            until=held.retired_at if held.revoked_since is None else held.revoked_since,
            state=held.state.value,
            at_hand=held.key.keyid in at_hand,
        )
        for held in known.keyring.keys
    )
    return (*own, *_of_people(known))


def rotate(home: Home, *, to: str | None, purposes: frozenset[Purpose] | None) -> tuple[PublicKey, Evidence]:
    """Add a key to the installation beside those it has, and return it; from then on it signs.

    `to`: where the new key lies already; None: one is made in a file. `purposes` None: all that its scheme allows.

    Raises:
        Refused: It was somebody's key before, or none at hand may sign for all the purposes.
    """
    folder, desk = key_folder(home.settings), _desk(home)
    known = desk.signatories()
    # Durable before the log hears of it: killed in between, it is a key that nobody knows, and taken next time.
    new = _spare(folder, known) if to is None else _brought(folder, to)
    if purposes is None:
        purposes = frozenset(Purpose) if new.public_key.scheme is Scheme.ED25519 else frozenset({Purpose.STATEMENTS})
    beside = _at_hand(folder, lambda held: purposes <= held.purposes, known)
    if beside is None:
        raise Refused(
            f"no key at hand may sign for {' and '.join(sorted(purposes))}",
            remedy="A key gives no more than it has: see `wardline keys list`.",
        )
    home.log.keys().hold(new)
    return new.public_key, desk.add(new, purposes, beside=beside)


def retire(home: Home, name: str) -> tuple[PublicKey, Evidence]:
    """End one of the installation's keys: what it signed before still counts.

    Raises:
        NotFound: The log knows no such key.
        Refused: This machine could not go on without it.
    """
    folder, desk = key_folder(home.settings), _desk(home)
    known = desk.signatories()
    try:
        key = named(name, [held.key for held in known.keyring.keys])
    except NotFound as error:
        raise NotFound(
            f"key {name[:80]!r}: the installation has none that begins so",
            remedy="See `wardline keys list`. A person's key ends with their next enrolment, or is revoked.",
        ) from error
    by = _without(folder, known, key)
    return key, desk.retire(key, by=by)


def revoke(
    home: Home, name: str, *, since: int | None, reason: RevocationReason, by: Signatory
) -> tuple[PublicKey, Evidence]:
    """Record that a key does not count from a log index on, signed by an administrator.

    Raises:
        NotFound: The log knows no such key.
        Refused: `by` may not, or this machine could not go on without it.
    """
    desk = _desk(home)
    known = desk.signatories()
    key = named(name, [row.key for row in list_keys(home)])
    if known.keyring.find(key.keyid) is not None:
        _without(key_folder(home.settings), known, key)
    evidence = desk.revoke(Revocation(key=key, since=since, reason=reason), by=by)
    look_again(home)
    return key, evidence


def affected(home: Home, name: str, since: int | None) -> tuple[PublicKey, tuple[int, ...]]:
    """Return the key that `name` names, and the leaves from `since` on that it signed: they would not count."""
    key = named(name, [row.key for row in list_keys(home)])
    if since is None:
        return key, ()
    found = (item for item in home.log.every() if item.index >= since)
    return key, tuple(item.index for item in found if key.keyid in {each.keyid for each in item.envelope.signatures})


def named(name: str, keys: list[PublicKey]) -> PublicKey:
    """Return the one of `keys` whose id is or begins with `name`.

    Raises:
        InvalidInput: The name is too short, or more than one key begins so.
        NotFound: None does.
    """
    if len(name) < _SHORTEST_NAME:
        raise InvalidInput(f"key {name!r}: expected at least {_SHORTEST_NAME} digits of its id")
    found = {key.keyid: key for key in keys if key.keyid.startswith(name)}
    if not found:
        raise NotFound(f"key {name[:80]!r}: the log knows none", remedy="See `wardline keys list`.")
    if len(found) > 1:
        raise InvalidInput(f"key {name}: {len(found)} keys begin so", remedy="Say more of its id.")
    return next(iter(found.values()))


def _desk(home: Home) -> KeyDesk:
    return KeyDesk(collect=home.collect, root=home.log.key)


def _spare(folder: KeyFolder, known: Signatories) -> Signer:
    """Return a key at hand that the log does not know, left by a command that was killed; else a new one."""
    spare = (s for s in folder.signers() if known.keyring.find(s.public_key.keyid) is None)
    return next(spare, None) or folder.create()


def _brought(folder: KeyFolder, reference: str) -> Signer:
    if is_file(reference):
        return folder.take_in(Path(reference))
    return folder.keep(reference)


def _at_hand(folder: KeyFolder, fits: Callable[[InstallationKey], bool], known: Signatories) -> Signer | None:
    """Return the newest key at hand that counts and fits."""
    signers = {signer.public_key.keyid: signer for signer in folder.signers()}
    for held in reversed(known.keyring.keys):
        if held.key.keyid in signers and held.state is KeyState.VALID and fits(held):
            return signers[held.key.keyid]
    return None


def _without(folder: KeyFolder, known: Signatories, key: PublicKey) -> Signer:
    """Return what signs statements without `key`, if this machine can then still sign for every purpose."""
    left = {
        purpose: _at_hand(folder, lambda held, p=purpose: p in held.purposes and held.key != key, known)  # type: ignore[misc]  # mypy cannot infer a lambda with a default
        for purpose in Purpose
    }
    statements = left[Purpose.STATEMENTS]
    missing = [purpose.value for purpose, signer in left.items() if signer is None]
    if statements is None or missing:
        raise Refused(
            f"without key {key.keyid[:16]} no key at hand could sign {' or '.join(missing)}",
            remedy="Add another one first: `wardline keys rotate`.",
        )
    return statements


def _of_people(known: Signatories) -> Iterator[KeyRow]:
    directory = known.directory
    revoked = {each.keyid: each.since for each in directory.revoked}
    seen: set[str] = set()
    for entry in directory.admitted:
        person = entry.enrolment.principal
        if person.key is None or person.key.keyid in seen:
            continue
        seen.add(person.key.keyid)
        later = (e for e in directory.admitted if e.enrolment.principal.id == person.id and e.index > entry.index)
        ended = next((e.index for e in later if e.enrolment.principal.key != person.key), None)
        since = revoked.get(person.key.keyid)
        yield KeyRow(
            key=person.key,
            holder=person.id,
            purposes=(),
            since=entry.index,
            until=ended if since is None else since,
            state="revoked" if since is not None else "valid" if ended is None else "replaced",
            at_hand=None,
        )
