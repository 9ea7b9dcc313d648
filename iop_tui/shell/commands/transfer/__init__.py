"""Commands that bring data in or out: imports and exports."""
