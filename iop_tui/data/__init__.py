"""Rule packs, code lists and schemas: data, never code."""
