"""`wardline witness`: hold somebody else's log to one history, from a machine of one's own."""

from pathlib import Path
from typing import Annotated

import typer

from wardline.cli.shell import OK, UNDECIDED, VERIFICATION_FAILED, Output, leave, say, say_json

app = typer.Typer(help="Be a witness: cosign what only grows, and keep proof where it does not.", no_args_is_help=True)

_Output = Annotated[Output, typer.Option()]
_State = Annotated[Path, typer.Option(help="Folder of what this witness remembers. It must never be lost.")]
_Key = Annotated[Path, typer.Option(help="This witness's key file.")]
_Log = Annotated[
    list[str],
    typer.Option(help="Verification key of a log, or a file that holds it; repeat for each log and each of its keys."),
]


@app.command("new-key")
def new_key(
    file: Annotated[Path, typer.Argument(help="Where the key goes, readable by its owner only.")],
    name: Annotated[str, typer.Option(help="The witness's name, like a URL without its scheme: witness.example/w1.")],
    output: _Output = Output.TEXT,
) -> None:
    """Make a key for a witness and print its public half, which logs and verifiers need."""
    from wardline.bootstrap.witness import new_witness_key

    key = new_witness_key(file, name)
    if output is Output.JSON:
        say_json({"file": str(file), "key": str(key)})
        return
    say(str(key))


@app.command("serve")
def serve(
    state: _State,
    key: _Key,
    log: _Log,
    listen: Annotated[str, typer.Option(help="HOST:PORT; port 0: any free one.")] = "127.0.0.1:8471",
    output: _Output = Output.TEXT,
) -> None:
    """Answer logs that ask for a cosignature (C2SP tlog-witness). Until Ctrl-C."""
    from wardline.bootstrap.witness import open_witness, serve_witness
    from wardline.cli.verifying import spelled_key
    from wardline.tlog.note import VerifierKey

    witness = open_witness(state, key, [VerifierKey.parse(spelled_key(each)) for each in log])

    def ready(url: str) -> None:
        if output is Output.JSON:
            say_json({"url": url, "key": str(witness.key), "logs": sorted(witness.logs)})
            return
        say(f"witness {witness.key}")
        say(f"at {url}/ for {', '.join(sorted(witness.logs))}; Ctrl-C ends it")

    serve_witness(witness, listen, ready=ready)


@app.command("check")
def check(
    url: Annotated[str, typer.Argument(help="Where the log is served: its checkpoint and tiles lie under it.")],
    state: _State,
    key: _Key,
    log: _Log,
    to: Annotated[Path | None, typer.Option(help="Write the checkpoint with our cosignature here.")] = None,
    output: _Output = Output.TEXT,
) -> None:
    """Look at a log, and cosign its newest checkpoint if all that was seen before begins it. Exit 5: it does not."""
    from wardline.bootstrap.witness import check_log_at, open_witness
    from wardline.cli.verifying import spelled_key
    from wardline.cli.witness_seen import alarm_to_json, say_alarm
    from wardline.tlog.note import VerifierKey

    witness = open_witness(state, key, [VerifierKey.parse(spelled_key(each)) for each in log])
    looked = check_log_at(url, witness, to=to)
    if output is Output.JSON:
        say_json(
            {
                "origin": looked.checkpoint.origin,
                "size": looked.checkpoint.size,
                "root": looked.checkpoint.root.hex(),
                "cosignature": looked.line,
                "alarms": [alarm_to_json(alarm) for alarm in looked.alarms],
            }
        )
    else:
        if looked.line is not None:
            say(f"cosigned: log {looked.checkpoint.origin}, {looked.checkpoint.size} leaves; all seen before begins it")
            say(looked.line.rstrip("\n"))
        for alarm in looked.alarms:
            say_alarm(looked.checkpoint.origin, alarm)
    leave(OK if looked.line is not None else VERIFICATION_FAILED)


@app.command("show")
def show(
    state: _State,
    history: Annotated[
        bool, typer.Option("--history", help="Print only the checkpoints that were cosigned, as signed.")
    ] = False,
    output: _Output = Output.TEXT,
) -> None:
    """Show what this witness saw last of each log, and its alarms. Exit 5: there is one; 6: there is a doubt."""
    from wardline.bootstrap.witness import remembered
    from wardline.cli.witness_seen import log_to_json, say_heads, say_log
    from wardline.tlog.witness import AlarmKind

    logs = remembered(state)
    if output is Output.JSON:
        say_json([log_to_json(each, history=history) for each in logs])
    else:
        for each in logs:
            (say_heads if history else say_log)(each)
    standing = [alarm.kind for each in logs for alarm in each.alarms if alarm.settled_at is None]
    if any(kind is not AlarmKind.UNCONNECTED for kind in standing):
        leave(VERIFICATION_FAILED)
    leave(UNDECIDED if standing else OK)
