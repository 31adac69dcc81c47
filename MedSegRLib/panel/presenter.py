"""Presenter: what the panel does; plain Python that knows neither Qt nor Slicer.

    presenter = Presenter(view, gateway, settings, installer, make_client)
    view.start(presenter)         # shows everything, and ticks from now on
    presenter.choose_volume(key)  # whenever another scan is chosen
    presenter.scene_changed()     # whenever scans or segments came or went
    presenter.close()             # at the end

All else is called by the view, on what the user does.
"""

from __future__ import annotations

from collections.abc import Callable

from MedSegRLib.anatomy import AnatomyTable, load_table
from MedSegRLib.answers import Question
from MedSegRLib.answers.pictures import COUNTED
from MedSegRLib.errors import MedSegRError
from MedSegRLib.imaging import Modality, Plane
from MedSegRLib.panel.asking import Asked, Asking
from MedSegRLib.panel.desk import Desk
from MedSegRLib.panel.engine import Engine
from MedSegRLib.panel.explaining import Explaining
from MedSegRLib.panel.gateway import AskClient, Installer, SceneGateway, Settings
from MedSegRLib.panel.shown import Commands, PanelView, Progress, Scope, identity
from MedSegRLib.panel.suggestions import hint, suggest

__all__ = ["Presenter"]

_AROUND = 5  # slices on either side of the one in view, for a range that was not chosen yet


class Presenter:
    """The chat about the scan that is chosen.

    Parameters
    ----------
    view
        Shows.
    gateway
        The scans and what is drawn on them.
    settings
        What is remembered from one day to the next.
    installer
        Looks and installs.
    make_client
        Makes a client, not yet started, for a Python interpreter; empty for the application's own.
    tr
        Translates.
    table
        Names and facts; None for the library's.

    Attributes
    ----------
    engine
        The worker and the set-up.
    explaining
        "What is this?"
    """

    def __init__(
        self,
        view: PanelView,
        gateway: SceneGateway,
        settings: Settings,
        installer: Installer,
        make_client: Callable[[str], AskClient],
        *,
        tr: Callable[[str], str] = identity,
        table: AnatomyTable | None = None,
    ) -> None:
        self._view, self._gateway, self._settings, self._tr = view, gateway, settings, tr
        self._table = load_table() if table is None else table
        self._desk = Desk(view, gateway, tr)
        self._asking = Asking(gateway, self, self._table, tr)
        self.engine = Engine(
            view, settings, installer, make_client, tr, self._engine_changed, self._asking.fail
        )
        self.explaining = Explaining(view, gateway, self._desk, self._table, tr, self._look_at_commands)
        self._scope, self._range = Scope.WHOLE, (0, 0)
        self._held = ""
        self._suggested: tuple[str, ...] = ()
        self._progress: Progress | None = None
        self._surfaces = False

    # What the shell and the view's timer call

    def opened(self) -> None:
        """The panel is seen for the first time."""
        self._view.show_choices(self._settings.get("plane"), self._update)
        self.scene_changed()
        self.engine.opened()

    def tick(self) -> None:
        """Do what has come; the view calls it every 25 ms."""
        client = self.engine.client
        if client is None:
            return
        self._asking.tick(client)
        progress = self._asking.progress(client)
        if progress != self._progress:
            self._progress = progress
            self._view.show_progress(progress)
        self.engine.poll()

    def close(self) -> None:
        """The panel goes: the worker ends, and what was outlined meanwhile with it."""
        self.explaining.cancel()
        self._asking.fail(self._tr("The panel was closed before the question was answered."))
        self.engine.close()

    def scene_changed(self) -> None:
        """Scans or segments came, went or were changed by others."""
        scans = self._gateway.scans()
        # A closed scene's keys come again in the next one, for other scans.
        for key in self._desk.keys - {scan.key for scan in scans}:
            self._asking.forget(self._desk.drop(key), self.engine.client)
            if key == self._desk.key:
                self.choose_volume("")
        self._view.show_scans(scans, self._desk.key)
        self._look_at_scene()

    def conversation_changed(self, key: str) -> None:
        """Others, such as the console, added to the conversation about a scan."""
        self._desk.read_again(key)
        self._look_at_commands()

    # What is asked, of what

    def choose_volume(self, key: str) -> None:
        """Talk about another scan; empty for none."""
        self.explaining.cancel()
        self._held = ""
        self._desk.open(key)
        if self._scope is Scope.RANGE:
            self.set_scope(Scope.RANGE)
        self._look_at_commands()
        self._suggest()
        if key and not self.engine.obstacle:
            self._begin(self.engine.warm_up)

    def set_scope(self, scope: Scope, first: int = 0, last: int | None = None) -> None:
        """Ask about a part of the scan; without numbers a range lies around the slice in view."""
        self._scope = scope
        if last is not None:
            self._range = min(first, last), max(first, last)
        elif scope is Scope.RANGE and self._desk.key:
            self._begin(self._offer_range)

    def _offer_range(self) -> None:
        plane = self._plane_of_slices
        index, count = self._gateway.slice_in_view(self._desk.key, plane)
        self._range = max(index - _AROUND, 0), min(index + _AROUND, count - 1)
        self._view.show_slices(*self._range, count, COUNTED[plane])

    def set_plane(self, plane: str) -> None:
        """Look at slices of a plane, by a `Plane`'s value; empty for the one the model was trained on."""
        self._settings.set("plane", plane)
        if self._scope is Scope.RANGE:
            self.set_scope(Scope.RANGE)

    def set_update(self, update: bool) -> None:
        """Whether an answer redraws what was drawn of the same structures, or adds to it."""
        self._settings.set("again", "update" if update else "add")

    def ask(self, text: str) -> bool:
        """Ask the model; False where that cannot be done yet, and the message says why."""
        if not text.strip():
            return False
        if not self._desk.key:
            self._view.show_message(self._tr("Choose a scan first."), wrong=True)
            return False
        if self.engine.obstacle:
            self._held = text
            self._view.open_set_up()
            self._view.show_message(self.engine.obstacle, wrong=True)
            return False
        return self._begin(lambda: self._ask(text))

    def ask_suggested(self, number: int) -> None:
        """Ask one of the suggested questions."""
        if not self.ask(self._suggested[number]):
            self._view.show_question(self._suggested[number])

    def stop(self) -> None:
        """Stop the running question; what was done until then is kept."""
        if self.engine.client is not None:
            self._asking.stop(self.engine.client)

    def new_conversation(self) -> None:
        """Begin anew about this scan; the segments stay."""
        self._asking.forget(self._desk.begin_anew(), self.engine.client)
        self._view.show_message(self._tr("A new conversation; the segments stay in the scene."))
        self._look_at_commands()
        self._suggest()

    def bring_back(self) -> None:
        """Undo `new_conversation`."""
        self._desk.bring_back()
        self._look_at_commands()
        self._suggest()

    # What was answered

    def act(self, link: str) -> None:
        """Follow a link of the transcript, such as "jump:0:1": verb, exchange and finding."""
        verb, number, index = link.split(":")
        if verb == "about":
            self.explaining.explain(self._desk.conversation.exchanges[int(number)].rows[int(index)].name)
        else:
            self._desk.act(verb, int(number), int(index))
            self._look_at_commands()

    def undo(self) -> None:
        """Take the segments of the last answer back."""
        if self._gateway.undo():
            self._view.show_message(self._tr("The last change of segments was undone."))
        self._look_at_scene()

    def redo(self) -> None:
        """Draw them again."""
        if self._gateway.redo():
            self._view.show_message(self._tr("The segments are back."))
        self._look_at_scene()

    def show_3d(self, shown: bool) -> None:
        """Show or hide the surfaces of what is drawn, and of what will be."""
        self._surfaces = shown
        if self._desk.key:
            self._gateway.show_3d(self._desk.key, shown)

    def export(self, path: str) -> None:
        """Write the conversation; the ending of the path chooses how."""
        self._desk.export(path)

    # Listening to the questions

    def begun(self, asked: Asked) -> None:
        """As of `Listener`."""
        self.changed(asked)
        self._look_at_commands()

    def text_came(self, asked: Asked, delta: str) -> None:
        """As of `Listener`."""
        self._desk.append(asked.conversation, asked.exchange, delta)

    def changed(self, asked: Asked) -> None:
        """As of `Listener`."""
        self._desk.show(asked.conversation, asked.exchange)

    def ended(self, asked: Asked) -> None:
        """As of `Listener`."""
        self._desk.save(asked.conversation)
        if self._surfaces:
            self._gateway.show_3d(asked.conversation.key, True)
        self.changed(asked)
        # An answer that redraws may have taken segments from earlier ones.
        self._look_at_scene()
        self._suggest()

    # Inside

    @property
    def _update(self) -> bool:
        return self._settings.get("again", "update") == "update"

    @property
    def _plane_of_slices(self) -> Plane:
        return Plane(self._settings.get("plane") or Plane.AXIAL.value)

    def _begin(self, work: Callable[[], object]) -> bool:
        """Do what may be refused; False where it was, and the message says why."""
        try:
            work()
        except MedSegRError as error:
            self._view.show_message(str(error), wrong=True)
            return False
        return True

    def _ask(self, text: str) -> None:
        question, volume = self._question(text), self._gateway.volume(self._desk.key)
        self.engine.warm_up()
        self._held = ""
        self._view.show_message("")
        self._asking.add(Asked(self._desk.conversation, question, volume, self.engine.model, self._update))

    def _question(self, text: str) -> Question:
        chosen = self._settings.get("plane")
        if self._scope is Scope.WHOLE:
            return Question(text, Plane(chosen) if chosen else None)
        # The number of a slice means something only along a plane.
        slices = self._range
        if self._scope is Scope.SLICE:
            index, _ = self._gateway.slice_in_view(self._desk.key, self._plane_of_slices)
            slices = index, index
        return Question(text, self._plane_of_slices, slices)

    def _engine_changed(self) -> None:
        self._suggest()
        held, self._held = self._held, ""
        if held and not self.engine.obstacle and self.ask(held):
            self._view.show_question("")
        else:
            self._held = held if self.engine.obstacle else ""

    def _look_at_scene(self) -> None:
        self._desk.look()
        self._look_at_commands()

    def _look_at_commands(self) -> None:
        chosen = bool(self._desk.key)
        said = chosen and bool(self._desk.conversation.exchanges)
        self._view.show_commands(
            Commands(
                ask=chosen,
                stop=self._asking.now is not None,
                new=said,
                undo=self._gateway.can_undo,
                redo=self._gateway.can_redo,
                explain=chosen,
                export=said,
                bring_back=self._desk.can_bring_back,
            )
        )

    def _suggest(self) -> None:
        key, info, conversation = self._desk.key, self.engine.info, self._desk.conversation
        modality = self._gateway.modality(key) if key else Modality.UNKNOWN
        asked = [exchange.question for exchange in conversation.exchanges]
        found = conversation.last_found()
        self._suggested = suggest(info, modality, self._table, found, asked) if key else ()
        self._view.show_suggestions(self._suggested)
        self._view.show_hint(hint(info, modality, self._tr) if key else "")
