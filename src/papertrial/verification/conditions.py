"""What a verdict rests on beside the recipe: data, versions of libraries and of packages."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from papertrial.data.files.data_folder import data_folder
from papertrial.errors import RunError
from papertrial.numbers import plural
from papertrial.programs.seed_values import placeholder_values
from papertrial.progress import Steps
from papertrial.recipe.laboratories import LabPart
from papertrial.recipe.portable import portable
from papertrial.recipe.program import ProgramRecipe
from papertrial.recipe.program_code import code_folder
from papertrial.recipe.schema import AnyRecipe, Recipe
from papertrial.runs.load_data import load_split_data
from papertrial.store.provenance import SOURCE, library_versions, package_versions
from papertrial.store.run_records import SplitData
from papertrial.store.verification_records import Preregistration, SeedRecord
from papertrial.verification.program_conditions import (
    ON_PATH,
    Versions,
    program_versions,
    versions_of_side,
)
from papertrial.verification.registration import Registration

# Another version may give other bits.
TRAINING_LIBRARIES = ("papertrial", SOURCE, "torch", "torchvision", "numpy")
_BUILDS = ("torch", "torchvision", "torchaudio")  # built for each kind of hardware
_OF_GPUS = ("nvidia-", "triton", "cuda-")  # packages that only a GPU needs
_DIGITS = 12  # of a hash that a message shows


@dataclass(frozen=True)
class Conditions:
    """The conditions under which seeds are trained.

    Attributes:
        data: for each side, ours first, the fingerprint of each split.
        versions: of the libraries that training depends on.
        packages: versions of the packages that the recipes' code imports.
        rows: for each side the number of samples of each split; empty for those of a seed. They
            follow from the fingerprints, and are not compared.
    """

    data: tuple[dict[str, str], ...]
    versions: dict[str, str | None]
    packages: dict[str, str]
    rows: tuple[dict[str, int], ...] = ()

    @classmethod
    def of(cls, record: Preregistration | SeedRecord) -> Conditions:
        """Return the conditions that were registered, or under which a seed was trained."""
        return cls(record.data, record.versions, record.packages)

    @property
    def without_machine(self) -> Conditions:
        """The same conditions without what differs with the machine, and not with the code.

        These are the builds of torch, such as "+cpu" and "+cu130", the libraries of a GPU, and the
        folders in PYTHONPATH, whose contents count.
        """
        versions = dict(_portable_version(k, v) for k, v in self.versions.items())
        packages = {
            name: _without_build(name, version)
            for name, version in self.packages.items()
            if not name.startswith(_OF_GPUS)
        }
        return replace(self, versions=versions, packages=packages)

    def differences(self, now: Conditions) -> list[str]:
        """Describe what of these conditions has changed."""
        found = []
        for arm, (had, has) in enumerate(zip(self.data, now.data, strict=True)):
            side = f" of the other side {arm}" if arm else ""
            found += [f"the data{side}: {one}" for one in _changes(had, has)]
        found += [f"the version of {one}" for one in _changes(self.versions, now.versions)]
        return found + [f"the package {one}" for one in _changes(self.packages, now.packages)]


def conditions_now(
    recipe: AnyRecipe, asked: Registration, data: str | Path | None
) -> Steps[Conditions]:
    """Return the conditions on this machine, to be registered or compared; loads the data.

    Args:
        recipe: what is verified.
        asked: its registration.
        data: the data folder.

    Raises:
        PapertrialError: the data of a side cannot be loaded.
    """
    if isinstance(recipe, ProgramRecipe):
        return _program_conditions(recipe, asked, data)
    sides = [side for side in (recipe, *asked.versus) if isinstance(side, Recipe)]
    loaded: list[tuple[Recipe, dict[str, SplitData]]] = []
    if asked.stated or any(claim.metric == "samples" for claim in asked.exact):
        for side in sides:
            found = next((splits for one, splits in loaded if _have_same_data(one, side)), None)
            if found is None:
                found = yield from load_split_data(side, data_folder(data))
            loaded.append((side, found))
    versions = library_versions()
    imported = [name for side in sides for name in portable(side).packages]
    return Conditions(
        data=tuple(
            {name: split.fingerprint for name, split in splits.items()} for _, splits in loaded
        ),
        versions={name: versions[name] for name in TRAINING_LIBRARIES},
        packages=package_versions(imported),
        rows=tuple({name: split.rows for name, split in splits.items()} for _, splits in loaded),
    )


def _program_conditions(
    recipe: ProgramRecipe, asked: Registration, data: str | Path | None
) -> Conditions:
    """Return the conditions for programs: what runs each side; their data are not known."""
    versions, packages, sides = Versions(), dict[str, str](), (recipe, *asked.versus)
    for number, side in enumerate(sides):
        assert isinstance(side, ProgramRecipe), "both sides of a difference run a program"
        device, threads = asked.terms.device, asked.terms.threads
        values = placeholder_values(side.seed, device, threads, data_folder(data))
        found = program_versions(side.program, code_folder(side.program), values)
        versions |= versions_of_side(found[0], number)
        packages |= versions_of_side(found[1], number)
    unknown = tuple(dict[str, str]() for _ in sides)
    return Conditions(unknown, versions, packages, rows=tuple(dict[str, int]() for _ in sides))


def _have_same_data(one: Recipe, other: Recipe) -> bool:
    """Return whether two recipes certainly load the same data, so that one loading is enough."""
    return all(getattr(one, key) == getattr(other, key) for key in ("data", "task", "init_from"))


def check_same_conditions(registered: Preregistration, now: Conditions, where: str) -> None:
    """Check that seeds are trained under the conditions that were registered.

    Args:
        registered: preregistration.json.
        now: the conditions to compare.
        where: what has them, for the message: "here", or a seed.

    Raises:
        RunError: they have changed; the message names each difference.
    """
    found = Conditions.of(registered).differences(now)
    if found:
        count = plural(len(found), "difference")
        raise RunError(
            f"{count} between what was registered and {where}: {'; '.join(found)}; restore "
            f"{'it' if len(found) == 1 else 'them'}, or start a new verification with --again"
        )


def check_common_conditions(part: LabPart, now: Conditions) -> None:
    """Check that a laboratory has the conditions of the common registration.

    Raises:
        RunError: it has not; the message names each difference.
    """
    if len(part.data) != len(now.data):
        raise RunError(
            "verify.labs.part.data has another number of sides than the recipe; use the file that "
            "`papertrial register --labs` wrote"
        )
    common = Conditions(part.data, part.versions, part.packages)
    found = common.without_machine.differences(now.without_machine)
    if found:
        count = plural(len(found), "difference")
        raise RunError(
            f"{count} between the common registration of the laboratories and here: "
            f"{'; '.join(found)}; restore {'it' if len(found) == 1 else 'them'}, or register all "
            "laboratories again"
        )


def _portable_version(name: str, version: str | None) -> tuple[str, str | None]:
    """Return the name and the version of what is the same on another machine."""
    if name.startswith(ON_PATH):
        return f"{ON_PATH}, {(version or 'none')[:_DIGITS]}", version
    return name, version and _without_build(name, version)


def _without_build(name: str, version: str) -> str:
    """Return a version without the build, for a package that is built for each hardware."""
    return version.partition("+")[0] if name.partition(" ")[0] in _BUILDS else version


def _changes(had: Mapping[str, str | None], has: Mapping[str, str | None]) -> list[str]:
    """Describe the entries that differ; a long value is a hash, of which the first digits do."""
    return [
        f"{name} is {_shown(has.get(name))}, registered as {_shown(had.get(name))}"
        for name in dict.fromkeys([*had, *has])
        if had.get(name) != has.get(name)
    ]


def _shown(value: str | None) -> str:
    return "absent" if value is None else value[:_DIGITS] if len(value) >= 64 else value
