"""HL7 FHIR R4 (4.0.1): checked, labelled and mapped to declared documents."""
