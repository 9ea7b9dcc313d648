"""Moving in: client lists (CSV), contacts (vCard) and documents (C-CDA) from other programs, read in the same process
without keys that reads FHIR.
"""
