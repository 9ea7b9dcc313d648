"""Consultation: a supervisor or director asks to look into a case, its clinician answers with a share or declines."""
