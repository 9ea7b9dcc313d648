"""Demo vaults: fictional people, real seals and signatures, secrets that are public by design."""
