"""What Tab offers for names of plugins and components, and `gantool completion`. No torch."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

import click
from click.shell_completion import CompletionItem, get_completion_class

from ..errors import GantoolError

if TYPE_CHECKING:
    from ..plugins.registry import Provided, Registry

Completer = Callable[[click.Context, click.Parameter, str], list[CompletionItem[Any]]]


def complete_recipe(_ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[CompletionItem[Any]]:
    """Offer what `--plugin` takes: a plugin with one recipe by its own name, any other recipe by its full name."""
    recipes = quiet_registry().all("recipe")
    plugins = [p.plugin for p in recipes]
    return _items(((p.plugin if plugins.count(p.plugin) == 1 else p.full_name, p) for p in recipes), incomplete)


def complete_component(kind: str) -> Completer:
    """Make a callback that offers the components of a kind: by bare name, and by full name where that is needed or begun."""

    def complete(_ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[CompletionItem[Any]]:
        return _items(_component_names(quiet_registry().all(kind), incomplete), incomplete)

    return complete


def complete_anything(_ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[CompletionItem[Any]]:
    """Offer what `gantool show` takes: recipes and components, by full name."""
    return _items(((p.full_name, p) for p in quiet_registry().all()), incomplete)


def _component_names(components: list[Provided], incomplete: str) -> Iterable[tuple[str, Provided]]:
    bare = [p.record.name for p in components]
    for p in components:
        clear = bare.count(p.record.name) == 1
        if clear:
            yield p.record.name, p
        if incomplete or not clear:
            yield p.full_name, p


def _items(names: Iterable[tuple[str, Provided]], incomplete: str) -> list[CompletionItem[Any]]:
    return [CompletionItem(name, help=p.record.summary) for name, p in names if name.startswith(incomplete)]


def quiet_registry() -> Registry:
    """Load what can be loaded: a half-typed line and a list of commands are no place to say what is wrong with a plugin."""
    from ..plugins.registry import Registry, load_plugins

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return load_plugins()
        except GantoolError:
            return Registry(plugins={})


@click.command(short_help="Print the shell-completion script.")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Print the script that completes gantool's commands, options and names of plugins.

    \b
    bash  gantool completion bash > ~/.local/share/bash-completion/completions/gantool
    zsh   gantool completion zsh > a folder of your $fpath/_gantool
    fish  gantool completion fish > ~/.config/fish/completions/gantool.fish
    """
    program = click.get_current_context().find_root().command
    script = get_completion_class(shell)
    assert script is not None  # click has one for each of the choices
    click.echo(script(program, {}, "gantool", "_GANTOOL_COMPLETE").source())
