"""Exchange between the devices of one program: packs, merge, carriers. The protocol is in PROTOCOL.md."""
