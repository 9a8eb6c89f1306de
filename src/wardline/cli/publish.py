"""`wardline log serve|tiles|prove|verify|cosign|witnesses`: the log towards outsiders."""

from pathlib import Path
from typing import Annotated

import typer

from wardline.cli.shell import ERROR, OK, VERIFICATION_FAILED, Output, leave, say, say_json, say_table
from wardline.errors import InvalidInput

witnesses = typer.Typer(help="List the witnesses that this installation asks, or add one.", no_args_is_help=True)


def register(log: typer.Typer) -> None:
    """Add these commands to `wardline log`."""
    for command in (serve, tiles, prove, verify, cosign):
        log.command(command.__name__)(command)
    log.add_typer(witnesses, name="witnesses")


_Output = Annotated[Output, typer.Option()]
_Entries = Annotated[bool, typer.Option(help="The statements too, or hashes alone: enough for a witness.")]


def serve(
    listen: Annotated[str, typer.Option(help="HOST:PORT; port 0: any free one.")] = "127.0.0.1:8470",
    entries: _Entries = True,
    output: _Output = Output.TEXT,
) -> None:
    """Serve the log read-only over HTTP: checkpoint, tiles, entries. Until Ctrl-C."""
    from wardline.bootstrap.witnessing import serve_log
    from wardline.cli.home import existing_home

    with existing_home() as wardline:
        key = str(wardline.log.key)
        serve_log(wardline, listen, entries=entries, ready=lambda url: _say_serving(url, key, output))


def tiles(
    folder: Annotated[Path, typer.Argument(help="Where they go; what is there is added to.")],
    entries: _Entries = True,
    output: _Output = Output.TEXT,
) -> None:
    """Write the log as files that any web server can serve; called again, only what is new."""
    from wardline.bootstrap.witnessing import write_log_tiles
    from wardline.cli.home import existing_home

    with existing_home() as wardline:
        written = write_log_tiles(wardline, folder, entries=entries)
    if output is Output.JSON:
        say_json({"folder": str(folder), "size": written.size, "files": written.files})
        return
    say(f"{folder}: {written.size} statements; {written.files} files written")


def prove(
    index: Annotated[int, typer.Argument(help="The statement's log index.", min=0)],
    to: Annotated[Path | None, typer.Option(help="File to write; default: INDEX.tlog-proof here.")] = None,
    entry: Annotated[Path | None, typer.Option(help="Also write the statement itself, as it lies in the log.")] = None,
    output: _Output = Output.TEXT,
) -> None:
    """Write the proof that one statement is in the log, under a cosigned checkpoint where there is one."""
    from wardline.bootstrap.witnessing import key_of_checkpoint, write_proof
    from wardline.cli.home import existing_home
    from wardline.tlog.checkpoint import read_checkpoint

    file = to or Path(f"{index}.tlog-proof")
    with existing_home() as wardline:
        proof = write_proof(wardline, index, file, entry=entry)
        key = key_of_checkpoint(wardline, proof.checkpoint)
    size = read_checkpoint(proof.checkpoint).size
    if output is Output.JSON:
        say_json({"file": str(file), "index": index, "size": size, "key": str(key)})
        return
    say(f"{file}: statement {index} under the checkpoint of {size}")
    say(f"Verify it anywhere: wardline log verify {file} --entry FILE --key {key}")


def verify(
    proof: Annotated[Path, typer.Argument(help="A .tlog-proof file.")],
    entry: Annotated[Path, typer.Option(help="The statement it is about, as it lies in the log.")],
    key: Annotated[
        list[str],
        typer.Option(
            help="The log's verification key or a file that holds it, got by another way than the proof; "
            "repeat for each that the log has had."
        ),
    ],
    witness: Annotated[
        list[str] | None, typer.Option(help="Key of a witness that you trust, or a file that holds it; repeat.")
    ] = None,
    witnesses_needed: Annotated[
        int | None, typer.Option(help="How many of them must have cosigned; default: all that are named.", min=0)
    ] = None,
    output: _Output = Output.TEXT,
) -> None:
    """Check offline that a statement is in a log, and that witnesses saw it. Exit 5: it does not hold."""
    from wardline.cli.verifying import spelled_key
    from wardline.tlog.cosignature import WitnessKey, cosigned_by
    from wardline.tlog.note import VerifierKey
    from wardline.tlog.proof_file import MAX_CHARACTERS, ProofFile

    trusted = tuple(VerifierKey.parse(spelled_key(each)) for each in key)
    named = tuple(WitnessKey.parse(spelled_key(each)) for each in witness or ())
    needed = len({each.raw for each in named}) if witnesses_needed is None else witnesses_needed
    found = ProofFile.parse(_read(proof, MAX_CHARACTERS).decode(errors="replace"))
    checkpoint = found.verify(_read(entry, _MAX_ENTRY_BYTES), *trusted, witnesses=named, needed=needed)
    seen = cosigned_by(found.checkpoint, named, needed=needed)
    if output is Output.JSON:
        times = {name: at.isoformat() for name, at in seen.items()}
        say_json({"holds": True, "index": found.index, "size": checkpoint.size, "witnesses": times})
        return
    say(f"holds: statement {found.index} of log {checkpoint.origin}, among its first {checkpoint.size}")
    for name, at in seen.items():
        say(f"  seen by {name} at {at:%Y-%m-%d %H:%M:%S} UTC")
    if not named:
        say("  no witness was named: that the log shows everybody the same is not checked")


def cosign(
    take: Annotated[
        Path | None, typer.Option(help="Ask nobody; keep what `wardline witness check --to` wrote.")
    ] = None,
    output: _Output = Output.TEXT,
) -> None:
    """Ask every listed witness to cosign the newest checkpoint. Exit 5: one has seen another history of this log."""
    from wardline.bootstrap import witnessing
    from wardline.cli.home import existing_home
    from wardline.cli.witnesses_said import any_conflict, any_failure, asked_to_json, say_asked

    with existing_home() as wardline:
        if take is None and not any(each.url for each in witnessing.witnesses_of(wardline)):
            raise InvalidInput(
                "no witness is listed that can be asked", remedy="List one: wardline log witnesses add KEY --url URL"
            )
        asked = witnessing.cosign(wardline) if take is None else witnessing.take(wardline, take)
    if output is Output.JSON:
        say_json([asked_to_json(each) for each in asked])
    else:
        say_asked(asked)
    if any_conflict(asked):
        leave(VERIFICATION_FAILED)
    leave(ERROR if any_failure(asked) else OK)


@witnesses.command("add")
def add_witness(
    key: Annotated[
        str,
        typer.Argument(help="The witness's key, as `wardline witness new-key` printed it, or a file that holds it."),
    ],
    url: Annotated[str | None, typer.Option(help="Where to ask it; without: it looks at the log itself.")] = None,
    output: _Output = Output.TEXT,
) -> None:
    """Add a witness. Get its key from its operator, by a way you trust."""
    from wardline.bootstrap.witnessing import list_witness
    from wardline.cli.home import home
    from wardline.cli.verifying import spelled_key
    from wardline.tlog.cosignature import WitnessKey

    parsed = WitnessKey.parse(spelled_key(key))
    with home() as wardline:
        list_witness(wardline, parsed, url)
        log_key = str(wardline.log.key)
    if output is Output.JSON:
        say_json({"witness": parsed.name, "key": str(parsed), "url": url, "log": log_key})
        return
    say(f"witness {parsed.name} is listed. Give its operator the key of this log: {log_key}")


@witnesses.command("list")
def list_witnesses(output: _Output = Output.TEXT) -> None:
    """List the witnesses of this installation, and the newest checkpoint that each cosigned."""
    from wardline.bootstrap.witnessing import newest_by, witnesses_of
    from wardline.cli.home import existing_home

    with existing_home() as wardline:
        found = [(each, newest_by(wardline, each.key)) for each in witnesses_of(wardline)]
    if output is Output.JSON:
        say_json(
            [
                {"witness": each.key.name, "key": str(each.key), "url": each.url, "cosigned": size}
                for each, size in found
            ]
        )
        return
    rows = [(each.key.name, each.url or "looks itself", str(size or "-"), str(each.key)) for each, size in found]
    say_table(("witness", "url", "cosigned", "key"), rows)


_MAX_ENTRY_BYTES = 65_536


def _read(path: Path, at_most: int) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(at_most)
    except OSError as error:
        raise InvalidInput(f"{path} cannot be read: {error.strerror}", remedy="Check the path.") from error


def _say_serving(url: str, key: str, output: Output) -> None:
    if output is Output.JSON:
        say_json({"url": url, "key": key})
        return
    say(f"serving log {key}")
    say(f"at {url}/ (checkpoint, tile/…); Ctrl-C ends it")
