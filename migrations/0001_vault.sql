-- The truth of a vault: append-only rows, sealed where they say anything about a person.
-- Every row carries the audit entry that brought it; that entry's header holds a digest over its rows.

CREATE TABLE meta (
    key   TEXT PRIMARY KEY,
    value BLOB NOT NULL
) WITHOUT ROWID;

CREATE TABLE act (
    seq       INTEGER PRIMARY KEY,
    id        BLOB NOT NULL UNIQUE CHECK (length(id) = 16),
    signed    BLOB NOT NULL,
    audit_seq INTEGER NOT NULL
);

CREATE TABLE revision (
    seq         INTEGER PRIMARY KEY,
    id          BLOB NOT NULL UNIQUE CHECK (length(id) = 16),
    record      BLOB NOT NULL CHECK (length(record) = 16),
    compartment BLOB NOT NULL CHECK (length(compartment) = 16),
    generation  INTEGER NOT NULL,
    tag         BLOB NOT NULL CHECK (length(tag) = 4),
    deposit     INTEGER NOT NULL CHECK (deposit IN (0, 1)),
    sealed      BLOB NOT NULL,
    audit_seq   INTEGER NOT NULL
);
CREATE INDEX revision_record ON revision (record);
CREATE INDEX revision_compartment ON revision (compartment, seq);

CREATE TABLE audit (
    seq    INTEGER PRIMARY KEY,
    header BLOB NOT NULL,
    sealed BLOB NOT NULL,
    hash   BLOB NOT NULL CHECK (length(hash) = 32)
);

CREATE TABLE audit_session (
    seq          INTEGER PRIMARY KEY,
    id           BLOB NOT NULL UNIQUE CHECK (length(id) = 16),
    user         BLOB NOT NULL CHECK (length(user) = 16),
    for_auditors BLOB NOT NULL,
    for_self     BLOB NOT NULL,
    audit_seq    INTEGER NOT NULL
);

-- Keyed fingerprints of imported items: what was taken before creates nothing again.
CREATE TABLE fingerprint (
    seq       INTEGER PRIMARY KEY,
    mac       BLOB NOT NULL UNIQUE CHECK (length(mac) = 32),
    target    BLOB NOT NULL CHECK (length(target) = 16),
    audit_seq INTEGER NOT NULL
);

-- Small mutable facts (last one-time code, view keys). Their digest stands in every audit header.
CREATE TABLE state (
    key   TEXT PRIMARY KEY,
    value BLOB NOT NULL
) WITHOUT ROWID;

-- Unsaved typing, sealed to its author. Never leaves this copy.
CREATE TABLE journal (
    user   BLOB NOT NULL,
    slot   BLOB NOT NULL,
    sealed BLOB NOT NULL,
    PRIMARY KEY (user, slot)
) WITHOUT ROWID;

CREATE TRIGGER meta_no_update BEFORE UPDATE ON meta BEGIN SELECT RAISE(ABORT, 'meta is append-only'); END;
CREATE TRIGGER meta_no_delete BEFORE DELETE ON meta BEGIN SELECT RAISE(ABORT, 'meta is append-only'); END;
CREATE TRIGGER act_no_update BEFORE UPDATE ON act BEGIN SELECT RAISE(ABORT, 'acts are append-only'); END;
CREATE TRIGGER act_no_delete BEFORE DELETE ON act BEGIN SELECT RAISE(ABORT, 'acts are append-only'); END;
CREATE TRIGGER revision_no_update BEFORE UPDATE ON revision BEGIN SELECT RAISE(ABORT, 'revisions are append-only'); END;
CREATE TRIGGER revision_no_delete BEFORE DELETE ON revision BEGIN SELECT RAISE(ABORT, 'revisions are append-only'); END;
CREATE TRIGGER audit_no_update BEFORE UPDATE ON audit BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
CREATE TRIGGER audit_no_delete BEFORE DELETE ON audit BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
CREATE TRIGGER session_no_update BEFORE UPDATE ON audit_session BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
CREATE TRIGGER session_no_delete BEFORE DELETE ON audit_session BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
CREATE TRIGGER fingerprint_no_update BEFORE UPDATE ON fingerprint BEGIN SELECT RAISE(ABORT, 'fingerprints are append-only'); END;
CREATE TRIGGER fingerprint_no_delete BEFORE DELETE ON fingerprint BEGIN SELECT RAISE(ABORT, 'fingerprints are append-only'); END;
