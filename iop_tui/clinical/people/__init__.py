"""People in care: registering, the caseload, the chart's header, the care team."""
