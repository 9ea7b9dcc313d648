"""Problems, goals and care plans."""
