"""The command line: parse -> job -> run -> render."""
