"""Commands about people and their records: reading, writing, signing, consents, care teams."""
