"""What a result means: pure functions over the document as received. No clock, no database, no network."""
