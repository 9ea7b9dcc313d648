"""Forms from declarations: fields, values, answers by one key, the editors around them, review before a signature."""
