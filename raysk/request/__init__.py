"""What the options say about the person's objects becomes a job, checked before anything is fitted.

In: `raysk.source.objects.SourceObjects` and `overrides.Overrides`. Out: `FitJob`, `SearchJob`, or an error that says
what to do. Begin with assemble.py. overrides.py and distributions.py change copies of the person's objects; held_out.py
sets data aside. The four files of checks refuse what no fit could use; before_fit.py calls them. facts.py describes
what was made.
"""
