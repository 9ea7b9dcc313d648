"""Consents: what a client authorizes, who may receive it, until when; signing it is what makes the share."""
