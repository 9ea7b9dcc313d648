"""Ships `migrations/` inside built wheels as `iop_tui/_migrations`.

Only there: an editable install reads the folder beside the package, and a copy made at install
time would go stale with the first new migration. (A static force-include would make that copy.)
"""

from __future__ import annotations

from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class MigrationsHook(BuildHookInterface[Any]):
    """Adds the folder to standard wheels, never to editable ones."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        if version == "standard":
            build_data["force_include"]["migrations"] = "iop_tui/_migrations"
