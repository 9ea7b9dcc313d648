"""Every key of the program in one table. Screens name the places they are; bindings, footer, palette and help follow.

A key never changes its meaning between releases. The kit's own keys (lists, forms, text, help, lock, quit) come from
`ui.keys`; the test of this table refuses two meanings of a key on one screen.
"""

from __future__ import annotations

from dataclasses import replace

from iop_tui.ui.keys import EVERYWHERE, Action, KeyTable, kit_actions

GO = "Go to"

_GO = (
    Action("go.today", ("g t",), "Today", EVERYWHERE, "What is due, unsigned or unsaved.", GO, "go('today')"),
    Action("go.caseload", ("g c",), "Caseload", EVERYWHERE, "The people you know of.", GO, "go('caseload')"),
    Action("go.search", ("g s",), "Search", EVERYWHERE, "Words in everything you may read.", GO, "go('search')"),
    Action(
        "go.people",
        ("g p",),
        "People and roles",
        EVERYWHERE,
        "Who works here and what they may do.",
        GO,
        "go('people')",
    ),
    Action("go.audit", ("g a",), "Audit", EVERYWHERE, "Who did what, as far as you may know.", GO, "go('audit')"),
    Action("go.settings", ("g ,",), "Settings", EVERYWHERE, "Theme and lock time.", GO, "go('settings')"),
)
_BACK = (
    Action(
        "page.back",
        ("escape", "q", "left"),
        "Back",
        "back",
        "Leave this screen; nothing typed is lost.",
        footer=20,
        palette=False,
    ),
)
_FIND = (
    Action("page.find", ("/",), "Search", "find", "Search everything you may read.", run="app.go('search')", footer=40),
)
_TODAY = (
    Action(
        "today.caseload",
        ("c",),
        "Caseload",
        "today",
        "The people you know of.",
        run="go('caseload')",
        footer=60,
        palette=False,
    ),
    Action(
        "today.note",
        ("n",),
        "Note",
        "today",
        "Write a note about the person on this line.",
        run="write_note",
        footer=70,
    ),
)
_CASELOAD = (
    Action("caseload.filter", ("/",), "Filter", "caseload", "Type the start of a name; Enter opens.", footer=80),
    Action("caseload.note", ("n",), "Note", "caseload", "Write a note about this person.", run="write_note", footer=70),
    Action("caseload.register", ("+",), "Add person", "caseload", "Register a person with the program.", footer=60),
    Action("caseload.assign", ("a",), "Assign", "caseload", "Make a clinician part of this person's care.", footer=50),
)
_FILTER = (
    Action("filter.list", ("down", "tab"), "To the list", "filter", run="screen.to_list", palette=False),
    Action(
        "filter.clear",
        ("escape",),
        "Clear",
        "filter",
        "Show everybody again.",
        run="screen.clear_filter",
        footer=90,
        palette=False,
    ),
)
_CHART = (
    Action(
        "chart.note",
        ("n",),
        "Note",
        "chart",
        "Write a note; unsaved text is offered first.",
        run="write_note",
        footer=80,
    ),
    Action("chart.assign", ("a",), "Assign", "chart", "Make a clinician part of this person's care.", footer=50),
    Action("chart.edit-person", ("e",), "Edit person", "chart", "Name, contact, pronouns.", footer=45),
    *(
        Action(
            f"chart.tab-{number}",
            (str(number),),
            f"Tab {number}",
            "chart",
            run=f"tab({number})",
            group="Tabs",
            palette=False,
        )
        for number in range(1, 8)
    ),
    Action("chart.next-tab", ("]",), "Next tab", "chart", group="Tabs", run="step_tab(1)", palette=False),
    Action("chart.previous-tab", ("[",), "Previous tab", "chart", group="Tabs", run="step_tab(-1)", palette=False),
    Action(
        "chart.next-person", ("J",), "Next person", "chart", "The next person of your caseload.", run="step_person(1)"
    ),
    Action("chart.previous-person", ("K",), "Previous person", "chart", run="step_person(-1)"),
)
_RECORD = (
    Action("record.edit", ("e",), "Edit", "record", "Go on writing an unsigned note.", run="edit_record", footer=80),
    Action(
        "record.sign",
        ("f8", "r"),
        "Review, sign",
        "record",
        "See what is missing, then sign.",
        run="sign_record",
        footer=75,
    ),
    Action(
        "record.addend",
        ("a",),
        "Addendum",
        "record",
        "Add to a signed note; the note itself stays.",
        run="add_addendum",
        footer=70,
    ),
    Action(
        "record.who",
        ("w",),
        "Who can read",
        "record",
        "Everybody who could read this, with the rule.",
        run="who_reads",
        footer=60,
    ),
    Action(
        "record.received",
        ("v",),
        "As received",
        "record",
        "The record byte for byte as it came in.",
        run="show_received",
        footer=50,
    ),
)
_EDITOR = (
    Action("note.save", ("f2", "ctrl+s"), "Save draft", "editor", "Keep it as an unsigned version.", footer=80),
    Action("note.review", ("f8",), "Review, sign", "editor", "See what is missing, then sign.", footer=75),
    Action(
        "note.command",
        ("escape",),
        "Commands",
        "editor",
        "Save, review, discard or leave; nothing is lost.",
        footer=50,
        palette=False,
    ),
)
_FIELDS = (
    Action("entry.save", ("f2", "ctrl+s"), "Save", "entry", footer=80),
    Action(
        "entry.command",
        ("escape",),
        "Commands",
        "entry",
        "Save, discard or leave.",
        run="command",
        footer=50,
        palette=False,
    ),
)
_ROW = (
    Action("row.save", ("s",), "Save", "row", run="screen.save", palette=False),
    Action("row.insert", ("i", "enter"), "Go on writing", "row", run="screen.insert", palette=False),
    Action("row.review", ("r",), "Review, sign", "row", run="screen.review", palette=False),
    Action(
        "row.discard",
        ("d",),
        "Discard",
        "row",
        "Throw away what is not saved; asks first.",
        run="screen.discard",
        palette=False,
    ),
    Action(
        "row.leave",
        ("q", "escape", "left"),
        "Leave",
        "row",
        "What is not saved waits for you.",
        run="screen.leave",
        palette=False,
    ),
)
_SEARCH = (
    Action("search.list", ("down", "tab"), "To the results", "search", run="screen.to_list", palette=False),
    Action("search.back", ("escape",), "Back", "search", run="screen.back", footer=20, palette=False),
)
_RESULTS = (
    Action("results.again", ("/",), "Change words", "results", run="screen.to_field", footer=60, palette=False),
)
_STAFF = (
    Action("staff.roles", ("r",), "Roles", "staff", "Change what this user may hold.", run="change_roles", footer=70),
    Action(
        "staff.suspend",
        ("d",),
        "Suspend, resume",
        "staff",
        "Take the vault's key away, or give it back.",
        run="suspend_user",
        footer=60,
    ),
    Action(
        "staff.give",
        ("o",),
        "Give keys",
        "staff",
        "Give a colleague the keys their roles are owed.",
        run="give_keys",
        footer=50,
    ),
)
_AUDIT = (
    Action(
        "audit.longer", ("m",), "Further back", "audit", "A month, a year, everything.", run="further_back", footer=60
    ),
)


def _under(heading: str, *groups: tuple[Action, ...]) -> list[Action]:
    return [replace(action, group=action.group or heading) for group in groups for action in group]


TABLE = KeyTable(
    (
        *_under("Here", _TODAY, _CASELOAD, _CHART, _RECORD, _RESULTS, _STAFF, _AUDIT),
        *_under("Writing", _EDITOR, _FIELDS),
        *_under("In the field above the list", _FILTER, _SEARCH),
        *_under("After Esc", _ROW),
        *_under("Here", _BACK, _FIND),
        *_GO,
        *kit_actions(),
    )
)
"""The program's keys; help and palette list them in this order."""
