"""Ways to the screens of care: measures, relapse and safety plans, substances, check-ins."""
