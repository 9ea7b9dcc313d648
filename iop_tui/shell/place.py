"""Where the vault lies: the option, else IOP_TUI_VAULT, else the user data folder of the platform."""

from __future__ import annotations

import os

VARIABLE = "IOP_TUI_VAULT"


def vault_folder(given: str = "") -> str:
    """The vault's folder. Imports next to nothing unless the platform has to be asked."""
    chosen = given or os.environ.get(VARIABLE, "")
    if chosen:
        return os.path.abspath(os.path.expanduser(chosen))
    from platformdirs import user_data_dir

    return os.path.join(user_data_dir("iop-tui", appauthor=False), "vault")
