"""The keys of the treatment plan: its editor, its outline, its review, its reading page."""

from __future__ import annotations

from iop_tui.ui.keys import Action

PLAN = (
    Action("plan.save", ("f2", "ctrl+s"), "Save", "plan", "Keep the plan as an unsigned version.", footer=80),
    Action(
        "plan.review", ("f8",), "Check, sign", "plan", "See what is missing by every rule, then sign.", footer=75
    ),
    Action(
        "plan.library",
        ("f3",),
        "Templates, phrases",
        "plan",
        "In the outline: apply or save a template. In a text: insert a phrase of the program.",
        footer=40,
    ),
    Action(
        "plan.command",
        ("escape",),
        "Commands",
        "plan",
        "From a sheet to the outline, from there to save, sign, discard or leave.",
        footer=50,
        palette=False,
    ),
)

PLAN_TREE = (
    Action(
        "plantree.below",
        ("a",),
        "Add below",
        "plantree",
        "Problem, goal, objective or intervention: the part that belongs under this line.",
        run="screen.add_below",
        footer=88,
    ),
    Action(
        "plantree.beside",
        ("n",),
        "Add beside",
        "plantree",
        "Another of the same kind.",
        run="screen.add_beside",
        footer=86,
    ),
    Action(
        "plantree.down",
        ("J", "shift+down"),
        "Move down",
        "plantree",
        "After the next of its kind.",
        run="screen.move_part(1)",
    ),
    Action(
        "plantree.up",
        ("K", "shift+up"),
        "Move up",
        "plantree",
        "Before the one above of its kind.",
        run="screen.move_part(-1)",
    ),
    Action(
        "plantree.under",
        ("m",),
        "Move under",
        "plantree",
        "To another problem, goal or objective.",
        run="screen.move_under",
        footer=60,
    ),
    Action(
        "plantree.split", ("s",), "Split", "plantree", "One objective made two.", run="screen.split_part", footer=58
    ),
    Action(
        "plantree.close",
        ("c",),
        "Close",
        "plantree",
        "End it with an outcome; open again what was closed by mistake. On End: close the plan.",
        run="screen.close_part",
        footer=62,
    ),
    Action(
        "plantree.remove",
        ("d", "delete"),
        "Remove",
        "plantree",
        "Take out what was never signed.",
        run="screen.remove_part",
        footer=56,
    ),
    Action("plantree.undo", ("u",), "Undo", "plantree", "Take the last step back.", run="screen.undo_step", footer=54),
    Action("plantree.redo", ("U",), "Redo", "plantree", "Do again what was taken back.", run="screen.redo_step"),
    Action(
        "plantree.finding",
        ("f",),
        "Next finding",
        "plantree",
        "To the next line that something is missing from.",
        run="screen.next_finding",
        footer=52,
    ),
)

PLAN_READ = (
    Action(
        "planread.revision",
        ("n",),
        "Review",
        "planread",
        "Decide on every objective; the plan is carried forward as its next revision.",
        run="next_revision",
        footer=85,
    ),
)

PLAN_REVIEW = (
    Action(
        "planreview.forward",
        ("f8",),
        "Carry forward",
        "planreview",
        "The next revision, as a draft to be signed.",
        run="review",
        footer=80,
    ),
    Action(
        "planreview.command",
        ("escape",),
        "Commands",
        "planreview",
        "From a sheet to the outline, from there to carry forward, discard or leave.",
        run="command",
        footer=50,
        palette=False,
    ),
)

DECIDE = (
    *(
        Action(
            f"decide.{word}",
            (str(number),),
            word.capitalize(),
            "decide",
            "Decide on the objective under the cursor.",
            run=f"screen.decide({number})",
            footer=80 - number,
        )
        for number, word in enumerate(("continue", "met", "partly", "revised", "deferred", "discontinued"), 1)
    ),
    Action(
        "decide.finding",
        ("f",),
        "Next undecided",
        "decide",
        "To the next line that needs something.",
        run="screen.next_finding",
        footer=60,
    ),
)
