"""From the name of a plugin to all the names in it."""

from __future__ import annotations

import importlib.util
import keyword
import re
import sys

import attrs

from visioncam_core.errors import NameNotFoundError, OptionError
from visioncam_core.plugins.default import registry
from visioncam_core.text import brief, normalise

_DISTRIBUTION = re.compile(r"[A-Za-z]([A-Za-z0-9._-]*[A-Za-z0-9])?")  # as PyPA's specification has it
_OURS = ("visioncam", *(f"visioncam_{part}" for part in ("core", "engines", "methods", "metrics", "viz")))


@attrs.frozen
class Names:
    """The names in a plugin."""

    distribution: str  # what `pip` calls it: "my-cam"
    module: str  # what Python imports: "my_cam"
    entry: str  # its entry point, and its method, renderer, metric, engine or scheme: "mycam"
    cls: str  # its class: "MyCAM"
    title: str  # for people: "My CAM"

    @classmethod
    def of(cls, name: str, kind: str) -> Names:
        """Return the names that follow from a distribution's name, such as "my-cam".

        Raises:
            OptionError: the name cannot be that of a distribution and a module, or is taken.
        """
        if not _DISTRIBUTION.fullmatch(name):
            raise OptionError(
                f"a plugin's name has letters, digits and single dashes, and begins with a letter; received "
                f"{brief(name)}; write for example 'my-cam'"
            )
        module = re.sub(r"[-.]+", "_", name).lower()
        words = [word for word in re.split(r"[-._]+", name) if word]
        spelt = ["CAM" if word.lower() == "cam" else word[0].upper() + word[1:] for word in words]
        names = cls(name, module, normalise("".join(words)), "".join(spelt), " ".join(spelt))
        names._check(kind)
        return names

    def _check(self, kind: str) -> None:
        taken = (
            "a Python keyword" if keyword.iskeyword(self.module) else
            "a module of the standard library" if self.module in sys.stdlib_module_names else
            "VisionCam's own" if self.module in _OURS else
            "a module that is installed here" if importlib.util.find_spec(self.module) else ""
        )  # fmt: skip
        if taken:
            raise OptionError(
                f"the module {self.module!r} is {taken}; choose another name than {self.distribution!r}"
            )
        if kind == "selector":
            return
        try:
            spec = (
                registry().engine_spec(None, self.entry)
                if kind == "engine"
                else getattr(registry(), kind)(self.entry)
            )
        except NameNotFoundError:
            return
        raise OptionError(
            f"the {kind} name {self.entry!r} is taken by {spec.title} of {spec.distribution}; choose another "
            f"name than {self.distribution!r}"
        )
