-- Exchange between the devices of one program: packs taken in and sealed, devices, other devices' audit entries.
-- One append-only table; `kind` says what a row is and `data` is its canonical form (iop_tui/exchange/PROTOCOL.md).

CREATE TABLE exchange (
    seq       INTEGER PRIMARY KEY,
    kind      TEXT NOT NULL,
    id        BLOB NOT NULL,
    data      BLOB NOT NULL,
    audit_seq INTEGER NOT NULL,
    UNIQUE (kind, id)
);
CREATE INDEX exchange_kind ON exchange (kind, seq);

CREATE TRIGGER exchange_no_update BEFORE UPDATE ON exchange BEGIN SELECT RAISE(ABORT, 'the exchange log is append-only'); END;
CREATE TRIGGER exchange_no_delete BEFORE DELETE ON exchange BEGIN SELECT RAISE(ABORT, 'the exchange log is append-only'); END;
