"""What a run leaves behind: its folder and manifest, the fitted model, the results table."""
