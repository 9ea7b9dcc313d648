"""Lists of records: columns, rows drawn ahead, paging sources."""
