"""Record requests: a person asks for their own record (45 CFR 164.524; program rule CR-10)."""
