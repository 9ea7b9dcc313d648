"""The process around the app: the parent that stays, hardening, the unlock prompt, the terminal and its signals."""
