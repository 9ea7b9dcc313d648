"""From intake to discharge: assessment, continuing-care plan, discharge summary."""
