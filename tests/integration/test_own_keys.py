"""The installation's keys through a real home: rotated, killed in between, lost, replaced, on a token."""

import json
import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from tests.fakes.softhsm import PIN, softhsm, uri

from wardline.adapters.signing.keys import create_installation_key, create_personal_key
from wardline.adapters.signing.public_keys import read_public_key, write_public_key
from wardline.bootstrap.home import Home, open_home
from wardline.bootstrap.keys import (
    affected,
    checkpoint_keys,
    list_keys,
    named,
    personal_signer,
    retire,
    revoke,
    rotate,
    write_public,
)
from wardline.delivery.sign import Signatory
from wardline.errors import InvalidInput, NotFound, Refused, Unavailable
from wardline.identity.predicates import Purpose, RevocationReason
from wardline.identity.principals import Role, Scheme
from wardline.ids import PrincipalId
from wardline.settings import Settings
from wardline.tlog.note import take_apart

ADA = PrincipalId("p-ada")
PASSPHRASE = "correct horse battery"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    home = tmp_path / "home"
    return Settings(home=home, database=None, passphrase=None, environ=dict(os.environ))


def founded(home: Home, folder: Path) -> Signatory:
    signer = create_personal_key(folder / "ada.key", PASSPHRASE)
    home.enrol(ADA, roles=frozenset({Role.ADMINISTRATOR}), public_key=None, signer=signer, known_as=None)
    return Signatory(principal=ADA, signer=signer)


def says_something(home: Home) -> str:
    """Let the machine say something; return the key it signed with."""
    stranger = create_personal_key(home.settings.home / f"{home.log.size()}.key", PASSPHRASE)
    with pytest.raises(Refused):  # what is refused is put on record by the machine
        home.enrol(ADA, roles=frozenset(), public_key=None, signer=stranger, known_as=None)
    return home.log.read(home.log.size() - 1).envelope.signatures[0].keyid


def test_the_log_keeps_its_name_whichever_keys_follow(settings: Settings, tmp_path: Path) -> None:
    with open_home(settings) as home:
        founded(home, tmp_path)
        root = home.log.key
        first = says_something(home)
        second, _ = rotate(home, to=None, purposes=None)
        assert len(take_apart(home.log.checkpoint())[1]) == 2
    with open_home(settings) as home:
        assert says_something(home) == second.keyid
        retire(home, first[:12])
    (settings.home / "keys" / "installation.pem").unlink()  # nobody needs it any more
    with open_home(settings) as home:
        assert home.log.key == root
        assert says_something(home) == second.keyid
        assert [key.raw for key in checkpoint_keys(home)] == [second.raw]
        assert home.check_log() == home.log.size()
        states = {row.key.keyid: (row.state, row.at_hand) for row in list_keys(home) if row.holder is None}
    assert states == {first: ("retired", False), second.keyid: ("valid", True)}


CHILD = """
import os, signal, sys
from pathlib import Path
from wardline.adapters.signing.folder import KeyFolder
from wardline.adapters.storage.evidence_log import SQLEvidenceLog
from wardline.bootstrap import keys
from wardline.bootstrap.home import open_home
from wardline.evidence.log_keys import LogKeys
from wardline.settings import Settings

def die(*_arguments, **_named):
    os.kill(os.getpid(), signal.SIGKILL)

def then_die(act):
    def dying(*arguments, **named):
        act(*arguments, **named)
        die()
    return dying

where, home, act = sys.argv[1:4]
match where:
    case "before-the-key": KeyFolder.create = die
    case "after-the-key": KeyFolder.create = then_die(KeyFolder.create)
    case "before-the-leaf": SQLEvidenceLog.append = die
    case "inside-the-transaction": LogKeys.sign = die
    case "after-the-leaf": SQLEvidenceLog.append = then_die(SQLEvidenceLog.append)
with open_home(Settings(home=Path(home), database=None, passphrase=None, environ={})) as opened:
    keys.rotate(opened, to=None, purposes=None) if act == "rotate" else keys.retire(opened, act)
"""
POINTS = ("before-the-key", "after-the-key", "before-the-leaf", "inside-the-transaction", "after-the-leaf")


def killed(settings: Settings, where: str, act: str) -> None:
    arguments = (sys.executable, "-c", CHILD, where, str(settings.home), act)
    done = subprocess.run(arguments, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == -signal.SIGKILL, done.stderr


@pytest.mark.slow
@pytest.mark.parametrize("where", POINTS)
def test_a_rotation_killed_anywhere_leaves_a_key_that_the_log_knows(
    settings: Settings, tmp_path: Path, where: str
) -> None:
    with open_home(settings) as home:
        founded(home, tmp_path)
    killed(settings, where, "rotate")
    with open_home(settings) as home:
        says_something(home)
        rotate(home, to=None, purposes=None)
    with open_home(settings) as home:
        says_something(home)
        assert home.check_log() == home.log.size()
        known = {row.key.keyid for row in list_keys(home) if row.holder is None}
        files = [file for file in (settings.home / "keys").iterdir() if file.suffix == ".pem"]
    assert len(files) == len(known) == (3 if where == "after-the-leaf" else 2)  # nothing stray is left


@pytest.mark.slow
@pytest.mark.parametrize("where", ["before-the-leaf", "inside-the-transaction", "after-the-leaf"])
def test_a_retirement_killed_anywhere_leaves_a_key_that_the_log_knows(
    settings: Settings, tmp_path: Path, where: str
) -> None:
    with open_home(settings) as home:
        founded(home, tmp_path)
        first = says_something(home)
        rotate(home, to=None, purposes=None)
    killed(settings, where, first)
    with open_home(settings) as home:
        says_something(home)
        state = {row.key.keyid: row.state for row in list_keys(home)}[first]
        assert state == ("retired" if where == "after-the-leaf" else "valid")
        assert home.check_log() == home.log.size()


def test_this_machine_never_gives_away_the_last_key_it_has(settings: Settings, tmp_path: Path) -> None:
    with open_home(settings) as home:
        ada = founded(home, tmp_path)
        first = says_something(home)
        with pytest.raises(Refused, match="no key at hand could sign checkpoints or statements"):
            retire(home, first)
        second, _ = rotate(home, to=None, purposes=None)
        (settings.home / "keys" / f"{second.keyid}.pem").rename(tmp_path / "elsewhere.pem")
        with pytest.raises(Refused, match="no key at hand"):
            retire(home, first)
        with pytest.raises(Refused, match="no key at hand"):
            revoke(home, first, since=None, reason=RevocationReason.SUPERSEDED, by=ada)
        assert home.check_log() == home.log.size()


def test_a_process_that_began_before_a_retirement_is_told_so(settings: Settings, tmp_path: Path) -> None:
    with open_home(settings) as old:
        founded(old, tmp_path)
        first = says_something(old)
        with open_home(settings) as new:
            rotate(new, to=None, purposes=None)
            assert says_something(old) == first  # in the overlap it may go on
            retire(new, first)
        size = old.log.size()
        stranger = create_personal_key(tmp_path / "stranger.key", PASSPHRASE)
        with pytest.raises(Unavailable, match="was retired meanwhile"):
            old.enrol(ADA, roles=frozenset(), public_key=None, signer=stranger, known_as=None)
        assert old.log.size() == size
        assert old.check_log() == size


def test_a_key_that_was_swapped_for_another_signs_nothing(settings: Settings, tmp_path: Path) -> None:
    with open_home(settings) as home:
        founded(home, tmp_path)
    path, _ = create_installation_key(tmp_path)
    path.replace(settings.home / "keys" / "installation.pem")
    with open_home(settings) as home:
        assert home.check_log() == 1
        stranger = create_personal_key(tmp_path / "stranger.key", PASSPHRASE)
        with pytest.raises(Unavailable, match="none of the keys at hand"):
            home.enrol(ADA, roles=frozenset(), public_key=None, signer=stranger, known_as=None)


def test_a_home_from_before_the_root_was_kept_apart_opens(settings: Settings, tmp_path: Path) -> None:
    with open_home(settings) as home:
        founded(home, tmp_path)
        root = home.log.key
    (settings.home / "keys" / "log.vkey").unlink()
    with open_home(settings) as home:
        says_something(home)
        assert home.log.key == root


def test_a_revocation_says_first_what_would_not_count(settings: Settings, tmp_path: Path) -> None:
    with open_home(settings) as home:
        ada = founded(home, tmp_path)
        first = says_something(home)
        second, _ = rotate(home, to=None, purposes=None)
    with open_home(settings) as home:
        says_something(home)
        size = home.log.size()
        assert affected(home, second.keyid[:8], 0) == (second, (size - 2, size - 1))
        assert affected(home, second.keyid[:8], size) == affected(home, second.keyid, None) == (second, ())
        assert home.log.size() == size
        revoke(home, second.keyid, since=None, reason=RevocationReason.KEY_COMPROMISE, by=ada)
        assert home.check_log() == size + 1
    with open_home(settings) as home:
        assert says_something(home) == first


def test_a_revoked_key_is_nobodys_for_good(settings: Settings, tmp_path: Path) -> None:
    bea = create_personal_key(tmp_path / "bea.key", PASSPHRASE)
    public = write_public_key(tmp_path / "bea.key.pub", bea.public_key)
    with open_home(settings) as home:
        ada = founded(home, tmp_path)

        def enrol(role: Role, public_key: Path | None) -> None:
            home.enrol(
                PrincipalId("p-bea"),
                roles=frozenset({role}),
                public_key=public_key,
                signer=ada.signer,
                known_as=None,
            )

        enrol(Role.COMPLIANCE, public)
        revoke(home, bea.public_key.keyid, since=1, reason=RevocationReason.SUPERSEDED, by=ada)
        with pytest.raises(Refused, match="key-revoked"):
            enrol(Role.COMPLIANCE, public)
        enrol(Role.AUDITOR, None)  # without a key of theirs that counts
        found = home.directory().find(PrincipalId("p-bea"))
        assert found is not None
        assert (found.key, found.roles) == (None, {Role.AUDITOR})
        assert home.check_log() == home.log.size()


def test_a_key_is_named_by_its_first_digits(settings: Settings) -> None:
    with open_home(settings) as home:
        (row,) = list_keys(home)
    assert named(row.key.keyid[:8], [row.key, row.key]) == row.key
    with pytest.raises(InvalidInput, match="at least 8 digits"):
        named(row.key.keyid[:7], [row.key])
    with pytest.raises(NotFound, match="knows none"):
        named("0" * 64, [row.key])


@softhsm
def test_the_machine_signs_with_a_key_on_a_token(settings: Settings, token: Path, tmp_path: Path) -> None:
    with open_home(settings) as home:
        founded(home, tmp_path)
        first = says_something(home)
        with pytest.raises(InvalidInput, match="no PIN is said"):
            rotate(home, to=uri("p256"), purposes=None)
    pinned = replace(settings, pin=PIN)
    with open_home(pinned) as home:
        with pytest.raises(InvalidInput, match="ed25519 only"):
            rotate(home, to=uri("p256"), purposes=frozenset(Purpose))
        on_token, _ = rotate(home, to=uri("p256"), purposes=None)
        assert on_token.scheme is Scheme.ECDSA_P256
    with open_home(pinned) as home:
        assert says_something(home) == on_token.keyid
    with open_home(replace(pinned, signing_key=str(settings.home / "keys" / "installation.pem"))) as home:
        assert says_something(home) == first
    with open_home(replace(pinned, signing_key=uri("p256"))) as home:
        assert says_something(home) == on_token.keyid
        assert home.check_log() == home.log.size()
    with open_home(replace(pinned, signing_key=uri("ed25519"))) as home, pytest.raises(Refused, match="has no key"):
        home.collect.signer.sign(b"message")
    kept = json.loads((settings.home / "keys" / f"{on_token.keyid}.ref.json").read_text())
    assert PIN not in json.dumps(kept)


@softhsm
def test_the_logs_own_key_may_lie_on_a_token_that_knows_eddsa(settings: Settings, token: Path, tmp_path: Path) -> None:
    pinned = replace(settings, pin=PIN)
    with open_home(pinned) as home:
        founded(home, tmp_path)
        first = says_something(home)
        on_token, _ = rotate(home, to=uri("ed25519"), purposes=None)
        retire(home, first)
    (settings.home / "keys" / "installation.pem").unlink()
    with open_home(settings) as home:  # whoever only reads needs no PIN
        assert home.check_log() == home.log.size()
    with open_home(pinned) as home:
        assert says_something(home) == on_token.keyid
        assert home.check_log() == home.log.size()


@softhsm
@pytest.mark.parametrize("label", ["p256", "ed25519"])
def test_a_person_signs_with_a_key_on_a_token(settings: Settings, token: Path, tmp_path: Path, label: str) -> None:
    public = tmp_path / "bea.pub"
    known = write_public(uri(label), public, lambda: PIN)
    assert read_public_key(public) == known
    bea = PrincipalId("p-bea")
    with open_home(settings) as home:
        ada = founded(home, tmp_path)
        home.enrol(bea, roles=frozenset({Role.ADMINISTRATOR}), public_key=public, signer=ada.signer, known_as=None)
        signer = personal_signer(uri(label), lambda: PIN)
        home.enrol(ADA, roles=frozenset({Role.AUDITOR}), public_key=None, signer=signer, known_as=None)
        assert home.log.read(home.log.size() - 1).statement.context.actor == bea
        assert home.check_log() == home.log.size() == 3
