"""What a person sees: the conversation on stderr, and tables on stdout.

Events of a run go in (`raysk.events`), text comes out. Begin with `live.View`, which a command hands to what it runs:
it tells the events to a `state.State`, which `lines.draw` draws. The two know no terminal, and one is easily made up.
"""
