"""Loads the plugins and hands out what they registered."""

from __future__ import annotations

import functools
import importlib
import importlib.metadata
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import pluggy

from lowres_code.errors import UsageError
from lowres_code.plugins import hookspecs
from lowres_code.plugins.hookspecs import GROUP

if TYPE_CHECKING:
    import click

    from lowres_code.language import Language
    from lowres_code.reward import RewardTerm
    from lowres_code.sources import ProblemSource

DEFAULT_PLUGINS = (
    "lowres_code.builtin",
    "lowres_code.languages.prolog",
)
BUILT_IN = "built in"

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Registered(Generic[T]):
    """A thing, and the package that brought it (``"built in"`` for this one)."""

    thing: T
    origin: str


@dataclass(frozen=True, slots=True)
class Failure:
    """A plugin that could not be loaded or whose hook raised, and why."""

    plugin: str
    error: str


class PluginManager:
    """All that plugins have registered, by kind and name.

    Attributes:
        failures: plugins that failed; everything else works without them.
    """

    def __init__(self) -> None:
        self.failures: list[Failure] = []
        self._origins: dict[str, str] = {}
        self._pluggy = pluggy.PluginManager(GROUP)
        self._pluggy.add_hookspecs(hookspecs)
        for name in DEFAULT_PLUGINS:
            self._load(name, BUILT_IN, functools.partial(importlib.import_module, name))
        for entry in sorted(importlib.metadata.entry_points(group=GROUP), key=lambda entry: entry.name):
            self._load(entry.name, entry.dist.name if entry.dist else entry.value, entry.load)

    def _load(self, name: str, origin: str, load: Callable[[], Any]) -> None:
        plugin = None
        try:
            plugin = load()
            self._pluggy.register(plugin, name=name)
            self._pluggy.check_pending()  # a hook that is not in the specification is a misspelt one
        except Exception as error:  # a plugin may fail in any way; it is reported and left out
            if plugin is not None and self._pluggy.get_plugin(name) is plugin:
                self._pluggy.unregister(plugin)
            self.failures.append(Failure(name, f"{type(error).__name__}: {error}"))
        else:
            self._origins[name] = origin

    @functools.cached_property
    def languages(self) -> dict[str, Registered[Language]]:
        """Language backends by name."""
        return self._collect("register_languages", lambda language: language.name)

    @functools.cached_property
    def problem_sources(self) -> dict[str, Registered[ProblemSource[Any]]]:
        """Problem sources by name."""
        return self._collect("register_problem_sources", lambda source: source.name)

    @functools.cached_property
    def rewards(self) -> dict[str, Registered[RewardTerm]]:
        """Reward terms by name."""
        return self._collect("register_rewards", lambda term: term.name)

    @functools.cached_property
    def recipe_folders(self) -> dict[str, Registered[Path]]:
        """Folders of recipes by path."""
        return self._collect("register_recipes", str)

    @functools.cached_property
    def commands(self) -> dict[str, Registered[click.Command]]:
        """Additional commands by name."""
        return self._collect("register_commands", lambda command: str(command.name))

    def _collect(self, hook: str, name_of: Callable[[Any], str]) -> dict[str, Registered[Any]]:
        found: dict[str, Registered[Any]] = {}
        for implementation in getattr(self._pluggy.hook, hook).get_hookimpls():
            plugin = implementation.plugin_name
            register = functools.partial(_register, found, self._origins[plugin], name_of)
            try:
                implementation.function(register)
            except Exception as error:  # as in _load
                self.failures.append(Failure(plugin, f"{type(error).__name__}: {error}"))
        return dict(sorted(found.items()))


def _register(found: dict[str, Registered[Any]], origin: str, name_of: Callable[[Any], str], thing: Any) -> None:
    name = name_of(thing)
    if name in found:
        raise UsageError(f"{name!r} is registered already ({found[name].origin})")
    found[name] = Registered(thing, origin)


@functools.cache
def plugin_manager() -> PluginManager:
    """The manager of this process; plugins are loaded at the first call."""
    return PluginManager()
