"""What leaves the vault, by keys: packets and exports of one person, an export of everyone in care."""
