"""The command line: ``cortexia COMMAND``. Commands are imported when they are called, so that help is quick."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Sequence
from typing import NoReturn

import click

from cortexia.errors import ConfigurationError, CortexiaError

COMMANDS = {
    "annotate": "Annotate videos: decode once, commit what is found.",
    "batch": "Run batch files; watch, cancel and report batches.",
    "jobs": "List, show, retry and cancel jobs.",
    "plan": "Show what annotate would do, and how long it may take.",
    "status": "Show videos, runs and jobs of a store.",
    "videos": "List the videos of a store.",
    "find": "Show annotations: when, what, where.",
    "people": "List, name, merge, split and enrol people.",
    "export": "Write annotations to a file.",
    "models": "List, bring and check models.",
    "doctor": "Look at this machine and say what is amiss.",
    "report": "Write pages to look at: of one video, or of all.",
    "db": "Look after a store: check, backup, restore, sweep.",
    "config": "Show the settings in force and where they come from.",
}


class LazyGroup(click.Group):
    """Knows the names and one-line helps of its commands; the rest is imported on use."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"cortexia.cli.{cmd_name}_command")
        command: click.Command = module.command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="cortexia")
def cli() -> None:
    """Turn videos into a queryable annotation database.

    \b
    Examples:
      cortexia annotate videos/ --store shots.db
      cortexia status --store shots.db
      cortexia export --store shots.db --format jsonl -o shots.jsonl
    """


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Exit codes: 0 ok, 1 failed, 2 usage, 3 completed with failed videos, 130 interrupted and resumable."""
    try:
        code = cli.main(args=None if arguments is None else list(arguments), standalone_mode=False)
    except click.exceptions.Exit as error:
        code = error.exit_code
    except click.ClickException as error:
        error.show()
        code = 2
    except click.Abort:
        code = 130
    except (ConfigurationError, FileNotFoundError) as error:
        _tell(error)
        code = 2
    except CortexiaError as error:
        _tell(error)
        code = 1
    except BrokenPipeError:
        sys.stderr.close()
        code = 1
    sys.exit(code if isinstance(code, int) else 0)


def _tell(error: Exception) -> None:
    """An error may quote names from outside: what a terminal would act on is written out."""
    from cortexia.wording import printable

    click.echo("\n".join(map(printable, f"Error: {error}".splitlines())), err=True)


if __name__ == "__main__":
    main()
