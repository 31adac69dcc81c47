"""Panel: the chat beside the slice views; what it does in plain Python, how it looks in plain Qt.

The presenter and everything that a host hands in are here. The widget is `ChatView` of
`MedSegRLib.panel.view`, which is not imported here: it needs Qt, and nothing else does.
"""

from MedSegRLib.panel.gateway import (
    AskClient,
    AskTicket,
    Condition,
    Drawn,
    Installed,
    Installer,
    Part,
    Scan,
    SceneGateway,
    Settings,
    Visibility,
)
from MedSegRLib.panel.presenter import Presenter
from MedSegRLib.panel.shown import PanelView, Scope

__all__ = [
    "AskClient",
    "AskTicket",
    "Condition",
    "Drawn",
    "Installed",
    "Installer",
    "PanelView",
    "Part",
    "Presenter",
    "Scan",
    "SceneGateway",
    "Scope",
    "Settings",
    "Visibility",
]
