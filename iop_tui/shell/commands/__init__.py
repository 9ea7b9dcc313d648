"""The commands: one module per group, all through the same services as the screens. Here lies what they share."""
