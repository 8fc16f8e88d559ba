"""Make a job from the person's objects and the options, and check the job before anything is fitted.

In: `raysk.source.objects.SourceObjects` and `overrides.Overrides`. Out: `FitJob`, `SearchJob`, or an error that says
what to do. Begin with assemble.py. overrides.py and distributions.py change copies of the person's objects; held_out.py
sets data aside. before_fit.py calls the four files of checks, which refuse values that no fit could use. facts.py
describes the job.
"""
