"""What the options say about the person's objects becomes a job, checked before anything is fitted.

In: `raysk.source.found.Found` and `overrides.Overrides`. Out: `FitJob`, `SearchJob`, or an error with a remedy.
Begin with assemble.py. overrides.py and distributions.py change copies of the person's objects; held_out.py sets data
aside. space.py, parameter_values.py, unsuitable.py and scorable.py refuse what no fit could use; before_fit.py calls
them. facts.py describes what was made.
"""
