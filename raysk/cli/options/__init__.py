"""The options of the commands, one file a panel of `--help`, and the objects that they become."""
