"""`python -m iop_tui` is the same as the command `iop-tui`."""

from iop_tui.cli import main

if __name__ == "__main__":
    raise SystemExit(main())
