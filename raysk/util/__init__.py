"""Small things without a subject of their own: text, JSON, atomic writes, forks, exits. Knows no other room."""
