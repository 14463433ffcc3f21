"""Loads the plugins and hands out what they registered."""

from __future__ import annotations

import dataclasses
import functools
import importlib
import importlib.metadata
import os
import pkgutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import pluggy

from lowres_code._util.given import must_be
from lowres_code.checkers import Checker, bring_checkers
from lowres_code.errors import UsageError, near_match
from lowres_code.plugins import hookspecs
from lowres_code.plugins.checking import in_own_process
from lowres_code.plugins.hookspecs import GROUP, Registry, hookimpl

if TYPE_CHECKING:
    import click

    from lowres_code.language.base import Language
    from lowres_code.reward import RewardTerm
    from lowres_code.sources import ProblemSource

BUILT_IN = "built in"
FOLDERS = "LOWRES_CODE_LANGUAGES"  # the environment variable that names folders of language files

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


class LanguageFile:
    """A TOML file as a plugin that brings one language."""

    def __init__(self, path: Path, built_in: bool) -> None:
        self._path, self._built_in = path, built_in

    @hookimpl
    def register_languages(self, register: Registry[Language]) -> None:
        """The language in the file."""
        from lowres_code.language.toml_file import load_language

        language = load_language(self._path)
        register(language if self._built_in else dataclasses.replace(language, file=self._path.resolve()))


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
        languages = _built_in_folder()
        packages = pkgutil.iter_modules([str(languages)], "lowres_code.languages.")
        for name in ("lowres_code.plugins.builtin", *(package.name for package in packages if package.ispkg)):
            self._load(name, BUILT_IN, functools.partial(importlib.import_module, name))
        self._load_files(languages, BUILT_IN)
        for entry in sorted(importlib.metadata.entry_points(group=GROUP), key=lambda entry: entry.name):
            self._load(entry.name, entry.dist.name if entry.dist else entry.value, entry.load)
        for folder in filter(None, os.environ.get(FOLDERS, "").split(os.pathsep)):
            self._load_files(Path(folder), folder)

    def _load_files(self, folder: Path, origin: str) -> None:
        if not folder.is_dir():
            self.failures.append(Failure(str(folder), f"no folder (environment variable {FOLDERS})"))
        for path in sorted(folder.glob("*.toml")):
            self._load(str(path), origin, functools.partial(LanguageFile, path, origin == BUILT_IN))

    def _load(self, name: str, origin: str, load: Callable[[], Any]) -> None:
        plugin = None
        try:
            plugin = load()
            self._pluggy.register(plugin, name=name)
            self._pluggy.check_pending()  # a hook that is not in the specification is a misspelt one
            self._refuse_wrappers(plugin)
        except Exception as error:  # a plugin may fail in any way; it is reported and left out
            if plugin is not None and self._pluggy.get_plugin(name) is plugin:
                self._pluggy.unregister(plugin)
            self.failures.append(Failure(name, _said(error)))
        else:
            self._origins[name] = origin

    def _refuse_wrappers(self, plugin: Any) -> None:
        """Hooks are called one by one, so that one can fail without the others: there is nothing to wrap."""
        for hook in self._pluggy.get_hookcallers(plugin) or ():
            if any(one.plugin is plugin and (one.wrapper or one.hookwrapper) for one in hook.get_hookimpls()):
                raise UsageError(f"{hook.name}: a plugin cannot wrap the hooks of others (hookimpl(wrapper=True))")

    @functools.cached_property
    def languages(self) -> dict[str, Registered[Language]]:
        """Language backends by name."""
        return self._collect("register_languages", lambda language: language.name)

    @functools.cached_property
    def problem_sources(self) -> dict[str, Registered[ProblemSource[Any]]]:
        """Problem sources by name."""
        return self._collect("register_problem_sources", lambda source: source.name)

    @functools.cached_property
    def rewards(self) -> dict[str, Registered[RewardTerm[Any]]]:
        """Reward terms by name."""
        return self._collect("register_rewards", lambda term: term.name)

    @functools.cached_property
    def checkers(self) -> dict[str, Registered[Checker]]:
        """Checkers by name, each to be called in this process."""
        return self._collect("register_checkers", lambda checker: checker.name)

    @functools.cached_property
    def recipe_folders(self) -> dict[str, Registered[Path]]:
        """Folders of recipes by path."""
        return self._collect("register_recipes", str)

    @functools.cached_property
    def commands(self) -> dict[str, Registered[click.Command]]:
        """Additional commands by name."""
        return self._collect("register_commands", lambda command: str(command.name))

    def collect(self) -> None:
        """Ask all plugins for all that they bring, so that `failures` is complete."""
        for kind in ("languages", "problem_sources", "rewards", "checkers", "recipe_folders", "commands"):
            getattr(self, kind)

    def _collect(self, hook: str, name_of: Callable[[Any], str]) -> dict[str, Registered[Any]]:
        """What the implementations of a hook register: built-ins first, so that nobody takes a name of theirs.

        The others come in pluggy's order of calls: ``tryfirst``, then the last loaded first, then ``trylast``.
        """
        found: dict[str, Registered[Any]] = {}
        called = reversed(getattr(self._pluggy.hook, hook).get_hookimpls())
        for one in sorted(called, key=lambda one: self._origins[one.plugin_name] != BUILT_IN):
            register = functools.partial(_register, found, self._origins[one.plugin_name], name_of)
            try:
                one.function(register)
            except Exception as error:  # as in _load
                self.failures.append(Failure(one.plugin_name, _said(error)))
        return dict(sorted(found.items()))


def _said(error: Exception) -> str:
    return str(error) if isinstance(error, UsageError) else f"{type(error).__name__}: {error}"


def _register(found: dict[str, Registered[Any]], origin: str, name_of: Callable[[Any], str], thing: Any) -> None:
    name = name_of(thing)
    if name in found:
        raise UsageError(f"{name!r} is registered already ({found[name].origin})")
    found[name] = Registered(thing, origin)


def _built_in_folder() -> Path:
    (folder, *_) = importlib.import_module("lowres_code.languages").__path__
    return Path(folder)


def find_language(name: str) -> Registered[Language]:
    """A language by its name, or by the path of a TOML file.

    Raises:
        UsageError: there is none, or the file is not a valid language.
    """
    must_be(name, str, 'find_language takes a name or the path of a TOML file, as "prolog" or "./awk.toml"')
    if name.endswith(".toml"):
        from lowres_code.language.toml_file import load_language

        path = Path(name)
        return Registered(dataclasses.replace(load_language(path), file=path.resolve()), str(path))
    known = plugin_manager().languages
    for failure in plugin_manager().failures:
        if Path(failure.plugin).name == f"{name}.toml":  # what the user means is not what would be taken
            raise UsageError(f"{failure.plugin}: {failure.error}")
    if name not in known:
        failed = "".join(f"\n  could not be loaded: {f.plugin}: {f.error}" for f in plugin_manager().failures)
        raise UsageError(f"there is no language {name!r}; {near_match(name, known)} (lowres-code lang list){failed}")
    return known[name]


@functools.cache
def plugin_manager() -> PluginManager:
    """The manager of this process; plugins are loaded at the first call."""
    return PluginManager()


def _checkers_of_plugins() -> Mapping[str, Checker]:
    known = plugin_manager().checkers.items()
    return {name: in_own_process(found.thing) for name, found in known if found.origin != BUILT_IN}


bring_checkers(_checkers_of_plugins)  # problems are read where the plugin manager may not be imported
