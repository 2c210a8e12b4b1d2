"""Which commands there are: the host's, and those of plugins. A command is imported when it runs, or shows its own help."""

from __future__ import annotations

import importlib
import importlib.util
import os
import sys
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.shell_completion import CompletionItem

from ..errors import PluginError, nearest, suggest
from .complete import quiet_registry

if TYPE_CHECKING:
    from ..plugins.registry import Provided, Registry

COMMANDS = {
    "train": ("gantool.cli.train:train", "Train a recipe on a pair of image domains."),
    "refine": ("gantool.cli.refine:refine", "Refine images with a trained run; labels come along."),
    "data": ("gantool.cli.data:data", "Look at a set of images before training, or convert it."),
    "export": ("gantool.cli.models:export", "Write a trained network as ONNX, torch.export or safetensors."),
    "publish": ("gantool.cli.models:publish", "Write a folder for a model hub: weights, model card, picture."),
    "evaluate": ("gantool.cli.evaluate:evaluate", "Measure whether refining helps: one verdict, one table."),
    "report": ("gantool.cli.evaluate:report", "Write one HTML page about a run."),
    "turing-test": ("gantool.cli.turing_test:turing_test", "Ask people whether they can tell refined from real images."),
    "runs": ("gantool.cli.runs:runs", "List runs: recipe, data, steps, verdict."),
    "compare": ("gantool.cli.runs:compare", "Say what two runs differ in; their pictures side by side."),
    "plugins": ("gantool.cli.plugins:plugins", "List installed plugins and what they provide."),
    "show": ("gantool.cli.show:show", "Show a recipe, a component or a run: slots, options, values."),
    "new-plugin": ("gantool.cli.plugins:new_plugin", "Write the project of a new plugin that trains at once."),
    "completion": ("gantool.cli.complete:completion", "Print the shell-completion script."),
}
"""name: (where it lives, what `gantool --help` says). Kept here so that `--help` imports no command."""


class Commands(click.Group):
    """The host's commands and those of plugins, which add to them and replace none."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature, here and below
        """Name all commands, in the order of `--help`."""
        return [*COMMANDS, *_offered()]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """Import a command; None for one that does not exist. Raises `GantoolError` for one that cannot be used."""
        if cmd_name in COMMANDS:
            return _imported(COMMANDS[cmd_name][0])
        from ..plugins.registry import load_plugins

        registry = load_plugins()
        if ":" not in cmd_name and all(found.record.name != cmd_name for found in registry.all("command")):
            return None
        provided = registry.find("command", cmd_name)
        command = provided.factory()
        if not isinstance(command, click.Command):
            raise PluginError(f"{provided}: {provided.record.factory} is a {type(command).__name__}, not a click command")
        return command

    def resolve_command(self, ctx: click.Context, args: list[str]) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command that `args` begin with. Raises `click.UsageError`, with the nearest name, where there is none."""
        command = self.get_command(ctx, args[0])
        # Shell completion asks too, of lines that are not finished.
        if command is None and not ctx.resilient_parsing:
            registry = quiet_registry()
            broken = "".join(f"; {info} is broken: {info.broken}" for info in registry.plugins.values() if info.broken)
            near = suggest(args[0], [*COMMANDS, *called(registry)])
            raise click.UsageError(f"No such command {args[0]!r}{near}{broken}", ctx)
        if command is not None and not ctx.resilient_parsing:
            _check_variables(f"{ctx.auto_envvar_prefix}_{args[0]}".upper().replace("-", "_"), command)
        return args[0], command, args[1:]

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """Write the list of commands, each plugin's under its name, without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in COMMANDS.items()])
        for plugin, offered in groupby(_offered().items(), key=lambda item: item[1].plugin):
            with formatter.section(f"Commands of plugin {plugin}"):
                formatter.write_dl([(name, provided.record.summary) for name, provided in offered])

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem[Any]]:
        """Complete a command's name without importing the commands."""
        words = {name: text for name, (_, text) in COMMANDS.items()}
        words |= {name: provided.record.summary for name, provided in _offered().items()}
        found = [CompletionItem(name, help=text) for name, text in words.items() if name.startswith(incomplete)]
        return found + click.Command.shell_complete(self, ctx, incomplete)


def _check_variables(prefix: str, command: click.Command) -> None:
    """Raise `click.UsageError` for a variable that looks like a setting of the command and is none."""
    if isinstance(command, click.Group):
        return
    known = [f"{prefix}_{parameter.name}".upper() for parameter in command.params if parameter.name]
    for name in sorted(os.environ):
        if name.startswith(f"{prefix}_") and name not in known:
            raise click.UsageError(f"the variable {name} is none of this command{nearest(name, known, 'there are')}")


def called(registry: Registry) -> dict[str, Provided]:
    """Return plugins' commands by what one types: `fit`, or `plugin:fit` where the host or another plugin has a `fit`, too."""
    offered = registry.all("command")
    bare = [*COMMANDS, *(provided.record.name for provided in offered)]
    return {p.record.name if bare.count(p.record.name) == 1 else p.full_name: p for p in offered}


def _imported(reference: str) -> click.Command:
    module, _, attribute = reference.partition(":")
    command: click.Command = getattr(importlib.import_module(module), attribute)
    return command


def _offered() -> dict[str, Provided]:
    """Plugins' commands, as `called`. Plugins are loaded only if one may have some: it takes as long again as all of `--help`."""
    files = [file for folder in sys.path for file in Path(folder).glob("*-info/entry_points.txt") if os.access(file, os.R_OK)]
    sections = [file.read_text("utf-8", "replace").partition("[gantool]")[2].partition("\n[")[0] for file in files]
    values = [line.partition("=")[2].strip() for section in sections for line in section.splitlines()]
    return called(quiet_registry()) if any(map(_may_offer, filter(None, values))) else {}


def _may_offer(value: str) -> bool:
    """Whether the file of an entry point mentions the hook of commands, or may have it from elsewhere."""
    root, *rest = value.partition(":")[0].split(".")
    try:
        spec = importlib.util.find_spec(root)
    except (ImportError, ValueError):
        return False
    if spec is None or spec.origin is None:
        return spec is not None
    module = Path(spec.origin).parent.joinpath(*rest)
    files = [Path(f"{module}.py"), module / "__init__.py"] if rest else [Path(spec.origin)]
    texts = [file.read_bytes() for file in files if file.is_file()]
    return ":" in value or not texts or any(word in text for text in texts for word in (b"gantool_commands", b"import *"))
