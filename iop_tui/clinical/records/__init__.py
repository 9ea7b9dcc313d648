"""Reading any kind of record: timelines, one record with its versions and signatures, search."""
