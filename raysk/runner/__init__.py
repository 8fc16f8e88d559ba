"""One job from start to end, for the shell and for Python."""
