"""The filters of the Ansible roles, without Ansible."""

from __future__ import annotations

import runpy
from collections.abc import Callable
from pathlib import Path
from typing import Any

_ROLES = Path(__file__).parents[3] / "ansible/roles"


def role_filter(role: str, plugin: str, name: str) -> Callable[..., Any]:  # Any: JSON, as Ansible hands it over
    filters: dict[str, Callable[..., Any]] = runpy.run_path(str(_ROLES / role / "filter_plugins" / plugin))["FilterModule"]().filters()
    return filters[name]
