"""The joint record of a couple: plan, session notes with speakers, recovery contract, measures per partner."""
