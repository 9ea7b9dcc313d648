"""FHIR R4 out: one person's record, or everyone's in a user's care, with its format described inside."""
