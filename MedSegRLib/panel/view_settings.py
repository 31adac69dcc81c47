"""Settings: what the panel remembers from one day to the next, in the application's own settings."""

from __future__ import annotations

import qt

__all__ = ["QtSettings"]


class QtSettings:
    """Texts by name (`Settings`), under "MedSegR" in Qt's settings of the application."""

    def get(self, name: str, default: str = "") -> str:
        """As of `Settings`."""
        value = qt.QSettings().value(f"MedSegR/{name}", default)
        return default if value is None else str(value)

    def set(self, name: str, value: str) -> None:
        """As of `Settings`."""
        qt.QSettings().setValue(f"MedSegR/{name}", value)
