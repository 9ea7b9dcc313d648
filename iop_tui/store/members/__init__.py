"""The membership log: signed acts, who has authority, and the live wraps that follow from them."""
