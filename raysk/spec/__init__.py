"""What the person gives us: their files and flags, turned into jobs. Never imports ray."""
