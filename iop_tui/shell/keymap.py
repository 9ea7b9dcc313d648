"""Every key of the program in one table. Screens name the places they are; bindings, footer, palette and help follow.

A key never changes its meaning between releases. The kit's own keys (lists, forms, text, help, lock, quit) come from
`ui.keys`; the test of this table refuses two meanings of a key on one screen.
"""

from __future__ import annotations

from dataclasses import replace

from iop_tui.shell.attaching import keys as attaching
from iop_tui.shell.exchange import keys as exchange
from iop_tui.shell.plankeys import DECIDE, PLAN, PLAN_READ, PLAN_REVIEW, PLAN_TREE
from iop_tui.shell.turnover import keys as turnover
from iop_tui.ui.keys import EVERYWHERE, Action, KeyTable, kit_actions

GO = "Go to"

_GO = (
    Action("go.today", ("g t",), "Today", EVERYWHERE, "What is due, unsigned or unsaved.", GO, "go('today')"),
    Action("go.caseload", ("g c",), "Caseload", EVERYWHERE, "The people you know of.", GO, "go('caseload')"),
    Action("go.drafts", ("g d",), "Drafts", EVERYWHERE, "What you wrote and did not sign or save.", GO, "go('drafts')"),
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
    Action(
        "go.supervision",
        ("g q",),
        "Supervision",
        EVERYWHERE,
        "What waits for your co-signature, and what you asked for.",
        GO,
        "go('supervision')",
    ),
    Action("go.schedule", ("g h",), "Schedule", EVERYWHERE, "Times of people with their clinicians.", GO,
           "go('schedule')"),
    Action("go.couples", ("g k",), "Couples", EVERYWHERE, "The couples you know of.", GO, "go('couples')"),
    Action("go.questionnaires", ("g i",), "Questionnaires", EVERYWHERE, "What can be given, and whose wording it is.",
           GO, "go('questionnaires')"),
    Action("go.audit", ("g a",), "Audit", EVERYWHERE, "Who did what, as far as you may know.", GO, "go('audit')"),
    Action("go.safety", ("g x",), "Safety plan", EVERYWHERE, "Of the person at hand, over whatever is open.", GO,
           "safety_plan"),
    Action("go.glass", ("g !",), "Break the glass", EVERYWHERE, "Somebody's crisis card in an emergency.", GO,
           "go('glass')"),
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
    Action("page.find", ("/",), "Search", "find", "Search everything you may read.", run="app.go('search')", footer=40,
           palette=False),
)
_TODAY = (
    Action(
        "today.caseload",
        ("c",),
        "Caseload",
        "today",
        "The people you know of.",
        run="app.go('caseload')",
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
    Action(
        "today.sign",
        ("f8", "r"),
        "Review, sign",
        "today",
        "Sign the marked documents in one act, or the one on this line.",
        run="sign_marked",
        footer=65,
    ),
    Action(
        "today.session", ("e",), "Session", "today", "What became of the session on this line.", run="change_session"
    ),
    Action(
        "today.check",
        ("C",),
        "Check all charts",
        "today",
        "What an auditor would find in your charts.",
        run="check_all",
        footer=30,
    ),
    Action("today.next-list", ("tab",), "Lists", "today",
           "Sessions, due, written last; Up and Down go past the ends of a list, too.", run="step_list(1)", footer=35,
           palette=False),
    Action("today.previous-list", ("shift+tab",), "Previous list", "today", run="step_list(-1)", palette=False),
    Action("today.reminders", ("x",), "Reminders", "today", "What is due as a calendar file of busy times."),
)
_CASELOAD = (
    Action("caseload.filter", ("/",), "Filter", "caseload", "Type the start of a name; Enter opens.", footer=80),
    Action("caseload.note", ("n",), "Note", "caseload", "Write a note about this person.", run="write_note", footer=70),
    Action("caseload.register", ("+",), "Add person", "caseload", "Register a person with the program.", footer=60),
    Action("caseload.import", ("I",), "Bring in", "caseload", "Client lists, C-CDA, FHIR, vCard.", run="bring_in"),
    Action("caseload.export", ("E",), "Export everyone", "caseload", "Everyone in your care, for the program itself.",
           run="export_all"),
    Action("caseload.assign", ("a",), "Assign", "caseload", "Make a clinician part of this person's care.", footer=50),
)
_SCHEDULE = (
    Action("schedule.plan", ("+",), "Plan", "schedule", "A time with a person, with one of their clinicians.",
           run="plan", footer=80),
    Action("schedule.move", ("m",), "Move", "schedule", "Another time or place.", run="move", footer=75),
    Action("schedule.call-off", ("d",), "Cancel", "schedule", "It stays on the schedule as cancelled.",
           run="call_off", footer=70),
    Action("schedule.missed", ("N",), "No-show", "schedule", "The person did not come.", run="missed", footer=65),
    Action("schedule.on-again", ("u",), "On again", "schedule", "It takes place after all.", run="on_again"),
    Action("schedule.week", ("w",), "Week or day", "schedule", run="week", footer=60),
    Action("schedule.whose", ("f",), "Whose", "schedule", "One clinician's times, or everybody's.", run="whose",
           footer=55),
    Action("schedule.now", ("0",), "Today's", "schedule", "The day or week of today.", run="now"),
    Action("schedule.calendar", ("i",), "Calendar lines", "schedule", "What an imported calendar says, to decide.",
           run="calendar"),
    Action("calendarlines.match", ("p",), "Plan", "calendarlines", "The marked lines with one person.", run="match",
           footer=80),
    Action("calendarlines.aside", ("d",), "No session", "calendarlines", "Set the marked lines aside.", run="aside",
           footer=70),
    Action("schedule.next", ("]",), "Later days", "schedule", run="step_days(1)", palette=False),
    Action("schedule.previous", ("[",), "Earlier days", "schedule", run="step_days(-1)", palette=False),
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
    Action(
        "chart.document",
        ("+",),
        "New document",
        "chart",
        "Any kind of document: assessments, letters, calls, discharge.",
        run="new_document",
        footer=70,
    ),
    Action("chart.private", ("N",), "Private note", "chart", "Psychotherapy or SUD counseling note: yours alone.",
           run="write_private"),
    Action("chart.session", ("S",), "Plan a session", "chart", "A time with this person.", run="plan_session"),
    Action("chart.check", ("C",), "Chart check", "chart", "What an auditor would find in this chart.", run="check"),
    Action("chart.measures", ("m",), "Measures", "chart", "Scores over time, and giving a questionnaire.", footer=55),
    Action("chart.relapse", ("r",), "Relapse plan", "chart", "How it stands, drill, review; or a new one.",
           run="relapse_plan"),
    Action("chart.drill", ("d",), "Drill", "chart", "The relapse plan walked with the client."),
    Action("chart.recovery", ("y",), "Recovery", "chart", "Lapses and the time between them."),
    Action("chart.safety", ("x",), "Safety plan", "chart", "In force, or a new one.", run="app.safety_plan"),
    Action(
        "chart.plan",
        ("t",),
        "Treatment plan",
        "chart",
        "Unfinished work first, else the plan in force, else a new one.",
        run="open_plan",
        footer=75,
    ),
    Action("chart.couple", ("b",), "Couple", "chart", "Both partners and what they share.", run="open_couple"),
    Action("chart.guides", ("G",), "Guides", "chart", "Record request, subpoena, screening, report, contact.",
           run="guides"),
    Action("chart.consents", ("o",), "Consents", "chart", "What the client authorized, and what was disclosed.",
           run="consents"),
    Action("chart.import", ("I",), "Bring in", "chart", "A file about this person: C-CDA, FHIR, vCard.",
           run="bring_in"),
    Action("chart.leaving", ("P",), "Packet, export", "chart", "What leaves for the client, a provider, a court.",
           run="what_leaves"),
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
        for number in range(1, 9)
    ),
    Action("chart.next-tab", ("]",), "Next tab", "chart", group="Tabs", run="step_tab(1)", palette=False),
    Action("chart.previous-tab", ("[",), "Previous tab", "chart", group="Tabs", run="step_tab(-1)", palette=False),
    Action(
        "chart.next-person", ("J",), "Next person", "chart", "The next person of your caseload.", run="step_person(1)"
    ),
    Action("chart.previous-person", ("K",), "Previous person", "chart", run="step_person(-1)"),
)
_COUPLES = (
    Action("couples.link", ("+",), "Link two people", "couples", "A new couple, with its therapist.",
           run="link_couple", footer=80),
)  # fmt: skip
_COUPLE = (
    Action("couple.new", ("+",), "New", "couple", "Agreement, plan, session, contract day, measure, held note.",
           run="new_document", footer=80),
    Action("couple.session", ("n",), "Joint session", "couple", "A note with both partners.", run="write_session",
           footer=75),
    Action("couple.plan", ("t",), "Joint plan", "couple", "Shared problems, goals, recovery contract.",
           run="open_plan", footer=70),
    Action("couple.signs", ("p",), "Partner signs", "couple",
           "Record a partner's signature under the agreement or plan on this line.", run="partner_signs", footer=65),
    Action("couple.guides", ("G",), "Guides", "couple", "Separation, contact, screening, requests.", run="guides",
           footer=60),
    Action("couple.calendar", ("v",), "Contract", "couple", "The days of the recovery contract.", run="calendar",
           footer=55),
    Action("couple.due", ("u",), "What is due", "couple", run="whats_due"),
    Action("couple.compare", ("m",), "Compare measures", "couple", "For the therapist's eyes; asks first.",
           run="compare"),
    Action("couple.next", ("]", "tab"), "Next column", "couple", run="step_side(1)", palette=False),
    Action("couple.previous", ("[", "shift+tab"), "Previous column", "couple", run="step_side(-1)", palette=False),
    *(
        Action(f"couple.side-{number}", (str(number),), f"Column {number}", "couple", run=f"side({number - 1})",
               group="Columns", palette=False)
        for number in (1, 2, 3)
    ),
)
_GUIDE_ROW = (Action("guiderow.back", ("b",), "Step back", "guiderow", run="screen.step_back", palette=False),)
_CONTRACT = (
    Action("contract.new", ("+", "n"), "New day", "contract", "What was done and what was not.",
           run="new_document", footer=80),
)
_RECORD = (
    Action("record.copy", ("y",), "Copy", "record", "The text, with its label, for use inside the program.",
           run="copy_text"),
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
        "record.format", ("f",), "Format", "record", "A progress note as SOAP, DAP, BIRP or GIRP.", run="format"
    ),
    Action("record.versions", ("h",), "Versions", "record", "What was changed when, side by side.", footer=65),
    Action(
        "record.correct", ("c",), "Correct", "record", "A correction beside the signed text.", run="correct", footer=68
    ),
    Action(
        "record.client",
        ("p",),
        "Client signs",
        "record",
        "Record the client's signature under a signed document.",
        run="client_signs",
    ),
    Action(
        "record.withdraw", ("d",), "Withdraw", "record", "Mark it as void, with a reason. Nothing is deleted.",
        run="withdraw",
    ),
    Action("record.decide", ("m",), "Decide versions", "record",
           "Where two devices wrote at once: both side by side, merged by you."),
    Action(
        "record.give", ("o",), "Copy for the person", "record", "On paper or as a file; asks first whether it is safe.",
        run="give_copy",
    ),
    Action("record.letter", ("l",), "Send the letter", "record", "On the consent it names, into a file.",
           run="send_letter", footer=67),
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
_READER = (
    Action("reader.who", ("w", "ctrl+r"), "Who can read", "reader",
           "Everybody who could read this, and who would get it if they asked today, with the rule.",
           run="app.who_reads", footer=60),
)  # fmt: skip
_WHO = (
    Action("who.line", ("ctrl+r",), "Who reads", "who",
           "Who could read this line once it is signed, and who would get it if they asked today, with the rule.",
           run="app.who_reads", footer=48),
)  # fmt: skip
_EDITOR = (
    Action("note.save", ("f2", "ctrl+s"), "Save", "editor", "Keep it as an unsigned version.", footer=80),
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
_NOTE = (
    Action(
        "notetext.phrase", ("f3",), "Phrase", "notetext", "Choose a phrase of the program for this text.", footer=40
    ),
    Action(
        "noteeditor.format",
        ("f5",),
        "Format",
        "noteeditor",
        "The same answers under the headings of SOAP, DAP, BIRP or GIRP.",
        run="format",
        footer=45,
    ),
)
_DOCUMENT = (
    Action("document.review", ("f8",), "Review, sign", "document", "See what is missing, then sign.", footer=75),
)
_NOTE_ROW = (
    Action("noterow.carry", ("c",), "Carry forward", "noterow", "The last note's words, to be changed.",
           run="screen.carry", palette=False),
    Action("noterow.format", ("f",), "Format", "noterow", run="screen.format", palette=False),
    Action("textrow.spelling", ("w",), "Spelling", "textrow", "Words no dictionary knows, one by one.",
           run="screen.spelling", palette=False),
    Action("noterow.undo", ("u",), "Take back", "noterow", "What the last command changed.", run="screen.undo",
           palette=False),
)  # fmt: skip
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
_CARE = (
    Action("measures.give", ("a",), "Give", "measures", "Give a questionnaire now.", footer=85),
    Action("measures.choose", ("c",), "Choose", "measures", "Draw other scores, or several together.", footer=80),
    Action("measures.step-back", ("left", "h"), "Earlier", "measures", run="step(-1)", palette=False),
    Action("measures.step", ("right", "l"), "Later", "measures", run="step(1)", palette=False),
    Action("measures.first", ("home",), "First", "measures", run="edge(-1)", palette=False),
    Action("measures.last", ("end",), "Last", "measures", run="edge(1)", palette=False),
    Action("measures.closer", ("+",), "Closer", "measures", "Fewer days around the cursor.", run="zoom(1)", footer=60),
    Action("measures.wider", ("-",), "Wider", "measures", "More days.", run="zoom(-1)"),
    Action("measures.open", ("enter",), "Open", "measures", "The administration under the cursor.", run="open_point",
           footer=90, palette=False),
    Action("measures.print", ("p",), "Print", "measures", "The chart as PDF or SVG, for the person.",
           run="print_chart", footer=45),
    Action("measures.load", ("o",), "Load a file", "measures", "A questionnaire of the clinic's own.", run="load",
           footer=40),
    Action("measures.shelf", ("L",), "Questionnaires", "measures", "All of the program's, and whose wording they are.",
           run="shelf"),
    Action("measures.back", ("escape", "q"), "Back", "measures", run="back", footer=20, palette=False),
    Action("shelf.load", ("o", "+"), "Load a file", "shelf", "A questionnaire of the clinic's own.", run="load",
           footer=80),
    Action("shelf.retire", ("d",), "Remove", "shelf", "Use the clinic's file no longer.", run="retire", footer=70),
    Action("shelf.history", ("h",), "History", "shelf", "By whom the clinic's file was loaded, and what it was before.",
           run="history", footer=60),
    Action("answering.keep", ("f2", "ctrl+s"), "Keep", "answering", "Score and keep the answers.", run="save",
           footer=80),
    Action("answering.client", ("f5",), "Client's screen", "answering", "The client answers; your passphrase ends it.",
           run="hand_over", footer=70),
    Action("answering.stated", ("t",), "Paper total", "answering", "From a paper form: the total that stands on it.",
           run="stated", footer=60),
    Action("answering.enter", ("enter",), "Keep", "answering", run="result_enter", palette=False),
    Action("answering.back", ("backspace",), "Questions", "answering", run="result_back", palette=False),
    Action("answering.command", ("escape",), "Commands", "answering", "Keep, discard or leave; nothing is lost.",
           run="command", footer=50, palette=False),
    Action("drill.keep", ("f2", "ctrl+s"), "Keep", "drill", "End the drill and keep it.", run="save", footer=80),
    Action("drill.command", ("escape",), "Commands", "drill", "Keep, discard or leave; nothing is lost.", run="command",
           footer=50, palette=False),
    Action("relapse.read", ("v",), "Read it", "relapse", "The plan itself.", run="read", footer=85),
    Action("relapse.drill", ("d",), "Drill", "relapse", "Walk the plan with the client.", footer=80),
    Action("relapse.review", ("r",), "Review", "relapse", "Every week, after a lapse or a positive screen.", footer=75),
    Action("relapse.revise", ("e",), "Revise", "relapse", "The next plan, begun with this one's words.", footer=70),
    Action("recovery.lapse", ("+",), "Add a lapse", "recovery", "It takes nothing from what was reached.",
           run="add_lapse", footer=80),
    Action("recovery.followback", ("f",), "Follow-back", "recovery", "Use day by day over the last weeks.", footer=70),
    Action("recovery.test", ("u",), "Drug screen", "recovery", "A specimen and its results.", run="screen_test",
           footer=60),
    Action("followback.keep", ("f2", "ctrl+s"), "Keep", "followback", "Keep the days.", run="save", footer=80),
    Action("followback.substance", ("s",), "Substance", "followback", "What is counted, and in what.", footer=70),
    Action("followback.period", ("p",), "Period", "followback", "How far back.", footer=60),
    Action("followback.command", ("escape",), "Commands", "followback", "Keep, discard or leave; nothing is lost.",
           run="command", footer=50, palette=False),
)  # fmt: skip
_ROW = (
    Action("row.safety", ("x",), "Safety plan", "row", run="app.safety_plan", palette=False),
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
    Action("search.list", ("down", "tab"), "To the results", "search", run="screen.to_list", footer=60, palette=False),
    Action("search.back", ("escape",), "Back", "search", run="screen.back", footer=20, palette=False),
)
_RESULTS = (
    Action("results.again", ("/",), "Change words", "results", run="screen.to_field", footer=60, palette=False),
)
_CONSENTS = (
    Action("consents.new", ("+",), "New", "consents", "Record what the client allows.", run="new_consent", footer=80),
    Action("consents.end", ("d",), "End", "consents", "For everyone or for one recipient; at once, for what follows.",
           run="end_consent", footer=70),
    Action("consents.ledger", ("v",), "Disclosures", "consents", "What was disclosed, to whom and why.",
           run="disclosures", footer=60),
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
    Action("staff.profile", ("e",), "Profile", "staff", "Licences, credential, supervisor.", run="edit_profile",
           footer=65),
    Action("staff.program", ("f",), "Program profile", "staff", "Facility, Part 2 status, rule packs in force.",
           run="edit_program", footer=45),
    Action("staff.add", ("+",), "Add a user", "staff", "Admit a colleague, who types their own passphrase.",
           run="add_user", footer=55),
    Action("staff.kit", ("t",), "Test your kit", "staff", "An untested recovery kit is no kit.", run="test_kit"),
)
_COSIGN = (
    Action("cosign.sign", ("c", "f8"), "Co-sign", "cosign", "Your signature beside the author's.", run="cosign",
           footer=80),
    Action("cosign.return", ("r",), "Return", "cosign", "Back to the author with what is to be changed.",
           run="give_back", footer=70),
)  # fmt: skip
_LEAVING = (
    Action("leaving.packet", ("p",), "Packet", "leaving", "Seal the marked documents to who receives them.",
           footer=85),
    Action("leaving.export", ("e",), "Whole record", "leaving", "Everything you may export, as FHIR R4.", footer=80),
    Action("leaving.mark-all", ("a",), "Mark all", "leaving", "Every document, or none.", footer=70),
)  # fmt: skip
_MOVING = (
    Action("moving.take", ("f2", "ctrl+s"), "Bring in", "moving", "Store what is new in it.", footer=85),
    Action("moving.columns", ("c",), "Columns", "moving", "What each column of a client list is.", footer=75),
    Action("moving.pick", ("p",), "Pick parts", "moving", "Problems, goals and scores of C-CDA documents.", footer=70),
    Action("moving.whose", ("w",), "Whose calendar", "moving", "The clinician for whom a calendar's lines wait.",
           footer=65),
    Action("mapping.apply", ("f2", "ctrl+s"), "Look again", "mapping", "With these columns.", footer=85),
    Action("mapping.keep", ("w",), "Keep", "mapping", "Under a name, for the next list of the same make.",
           footer=75),
    Action("mapping.load", ("l",), "Load", "mapping", "A mapping that was kept.", footer=70),
)
_GLASS = (
    Action("glassreview.verdict", ("v",), "Verdict", "glassreview", "Whether the access was justified, and why.",
           run="verdict", footer=80),
)  # fmt: skip
_AUDIT = (
    Action(
        "audit.longer", ("m",), "Further back", "audit", "A month, a year, everything.", run="further_back", footer=60
    ),
)


def _under(heading: str, *groups: tuple[Action, ...]) -> list[Action]:
    return [replace(action, group=action.group or heading) for group in groups for action in group]


TABLE = KeyTable(
    (
        *_under("Here", _TODAY, _CASELOAD, _CHART, _COUPLES, _COUPLE, _CONTRACT, _RECORD, _READER, _RESULTS, _STAFF),
        *_under("Here", _COSIGN, _AUDIT),
        *_under("Here", _GLASS, _LEAVING, _MOVING),
        *_under("Here", PLAN_READ, _CARE, _CONSENTS, _SCHEDULE),
        *_under("Here", *turnover.HERE, *attaching.HERE),
        *_under("Here", exchange.EXCHANGE, exchange.DEVICES, exchange.MERGE, exchange.TWICE),
        *_under("Writing", _EDITOR, _NOTE, PLAN, PLAN_TREE, PLAN_REVIEW, DECIDE, _FIELDS, _DOCUMENT),
        *_under("Writing", _WHO, *attaching.WRITING),
        *_under("In the field above the list", _FILTER, _SEARCH),
        *_under("After Esc", _ROW, _NOTE_ROW, _GUIDE_ROW),
        *_under("Here", _BACK, _FIND),
        *_GO,
        *exchange.GO,
        *turnover.GO,
        *kit_actions(),
    )
)
"""The program's keys; help and palette list them in this order."""
