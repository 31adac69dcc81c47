"""Findings in the transcript: go there, show and hide, delete, undo; and "what is this?"."""

from __future__ import annotations

import qt

from MedSegRLib.anatomy import load_table
from MedSegRLib.panel import Drawn
from MedSegRLib.panel.explain import explain
from MedSegRLib.panel.shown import ExchangeShown, Row, Stage
from MedSegRLib.panel.transcript_html import Shades, answer_html

from .conftest import press

SHADES = Shades("#000000", "#666666", "#0000ff", "#1b6e2b", "#8a5300", "#b3261e")


def links(panel) -> list[str]:
    """Links of the transcript, in the order of the text."""
    document, found = panel.view.transcript.document, []
    for position in range(document.characterCount()):
        cursor = qt.QTextCursor(document)
        cursor.setPosition(min(position, document.characterCount() - 1))
        link = cursor.charFormat().anchorHref()
        if link and link not in found[-1:]:
            found.append(link)
    return found


def test_every_name_in_the_text_and_every_finding_is_a_link(make_panel) -> None:
    panel = make_panel()
    panel.ask("Where are the hippocampi?")
    of_left = ["jump:0:0", "hide:0:0", "about:0:0", "delete:0:0"]
    found = links(panel)
    assert found.count("jump:0:0") >= 3, "twice in the text, once as the finding"
    assert [link for link in found if link in of_left][-5:] == ["jump:0:0", *of_left]


def test_a_click_on_a_name_moves_the_slice_views_there(make_panel) -> None:
    panel = make_panel()
    panel.ask("Where are the hippocampi?")
    panel.view.transcript._follow(qt.QUrl("jump:0:1"))
    assert panel.scene.jumps == ["right hippocampus"]


def test_a_finding_is_hidden_and_shown_and_only_it(make_panel) -> None:
    panel = make_panel()
    panel.ask("Where are the hippocampi?")
    panel.presenter.act("hide:0:1")
    assert panel.scene.hidden == {"right hippocampus"}
    assert "show:0:1" in links(panel) and "hide:0:0" in links(panel)
    panel.presenter.act("show:0:1")
    assert panel.scene.hidden == set() and "hide:0:1" in links(panel)


def test_a_deleted_finding_stays_in_the_words_and_leads_nowhere(make_panel) -> None:
    panel = make_panel()
    panel.ask("Where are the hippocampi?")
    panel.presenter.act("delete:0:0")
    assert list(panel.scene.segments["node0"]) == ["right hippocampus"]
    assert "no longer in the scene" in panel.text() and "jump:0:0" not in links(panel)
    assert "jump:0:1" in links(panel)


def test_a_segment_that_others_deleted_is_noticed(make_panel) -> None:
    panel = make_panel()
    panel.ask("Where is the left hippocampus?")
    panel.scene.segments["node0"].clear()
    panel.presenter.act("jump:0:0")
    assert panel.scene.jumps == []
    assert "The left hippocampus is no longer in the scene." in panel.view.message.text
    assert "no longer in the scene" in panel.text()


def test_undo_takes_the_last_answer_back_and_redo_brings_it_again(make_panel) -> None:
    panel = make_panel()
    panel.ask("Where are the hippocampi?")
    panel.view.undo_button.click()
    assert panel.scene.segments["node0"] == {} and panel.text().count("no longer in the scene") == 2
    assert panel.view.redo_button.enabled and not panel.view.undo_button.enabled
    panel.view.redo_button.click()
    assert len(panel.scene.segments["node0"]) == 2 and "no longer" not in panel.text()


def test_surfaces_are_shown_on_request(make_panel) -> None:
    panel = make_panel()
    panel.view.surfaces_action.trigger()
    assert panel.scene.surfaces


def test_a_segment_is_explained_from_the_menu_without_asking_the_model(make_panel) -> None:
    panel = make_panel()
    panel.ask("Where is the left hippocampus?")
    panel.view._fill_explain_menu()
    actions = {action.text: action for action in panel.view.explain_menu.actions()}
    actions["left hippocampus"].trigger()
    told = panel.text()
    assert (
        "What is this? (left hippocampus)" in told
        and "This is the left hippocampus. It measures 2.6 ml" in told
    )
    assert "no model was asked" in told and len(panel.client.asked) == 1


def test_a_clicked_point_is_explained_and_a_click_beside_says_so(make_panel) -> None:
    panel = make_panel()
    panel.ask("Where are the hippocampi?")
    panel.presenter.explaining.pick()
    assert "Click in a slice view" in panel.view.message.text
    # Voxel i, j, k = 28, 24, 5 lies in the left one; i, j, k = 1, 1, 1 in none.
    panel.scene.on_point((28 * -1.5, 24 * -1.5, 5 * 4.0))
    assert "What is this? (left hippocampus)" in panel.text()
    panel.presenter.explaining.pick()
    panel.scene.on_point((-1.5, -1.5, 4.0))
    assert "Nothing is drawn there" in panel.view.message.text


def test_waiting_for_a_click_ends_with_another_scan(make_panel) -> None:
    panel = make_panel()
    panel.presenter.explaining.pick()
    panel.presenter.choose_volume("")
    assert panel.scene.on_point is None and panel.view.message.isHidden()


def test_an_explanation_tells_facts_of_the_side_that_is_drawn_and_where_they_stand() -> None:
    table = load_table()
    told = explain(Drawn("left accumbens", 0.5), table)
    assert told.text.startswith("This is the left accumbens (nucleus accumbens septi). It measures 0.50 ml")
    assert "{" not in told.text and "Beside it: " in told.text
    assert any("NeuroImage" in source for source in told.sources)


def test_every_structure_of_the_table_can_be_explained() -> None:
    for structure in load_table():
        for side in ("left ", "right ", "") if structure.sided else ("",):
            told = explain(Drawn(side + structure.name, 1.0), load_table()).text
            assert told.startswith("This is the ") and "{" not in told and told.endswith(".")


def test_a_name_within_a_longer_name_is_not_taken_for_it() -> None:
    rows = tuple(Row(name, name, "1 ml", 0.5, (1.0, 0.0, 0.0)) for name in ("ventricle", "fourth ventricle"))
    exchange = ExchangeShown(0, "?", "The fourth ventricle & the ventricle.", rows, Stage.FINISHED)
    text = answer_html(exchange, SHADES, str).partition("</p>")[0]
    assert 'href="jump:0:1" style="color: #0000ff">fourth ventricle</a> &amp; the <a href="jump:0:0"' in text


def test_what_a_model_writes_is_shown_and_never_obeyed() -> None:
    exchange = ExchangeShown(0, "<b>?</b>", '<a href="file:///etc">x</a>', (), Stage.FINISHED)
    assert "<a" not in answer_html(exchange, SHADES, str)


def test_links_are_reached_and_followed_by_keyboard(make_panel, app) -> None:
    panel = make_panel()
    panel.ask("Where is the left hippocampus?")
    panel.view.show()
    panel.view.activateWindow()
    panel.view.transcript.setFocus()
    app.processEvents()
    press(panel.view.transcript, qt.Qt.Key_Tab)
    press(panel.view.transcript, qt.Qt.Key_Return)
    assert panel.scene.jumps == ["left hippocampus"]


def test_what_is_found_while_surfaces_are_asked_for_has_one_too(make_panel, monkeypatch) -> None:
    panel, made = make_panel(), []
    panel.view.surfaces_action.trigger()
    monkeypatch.setattr(panel.scene, "show_3d", lambda key, shown: made.append((key, shown)))
    panel.ask("Where is the left hippocampus?")
    assert made == [("node0", True)]
    panel.view.surfaces_action.trigger()
    panel.ask("Where is the left hippocampus?")
    assert made == [("node0", True), ("node0", False)]
