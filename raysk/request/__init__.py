"""What the options say over the person's objects becomes a job, checked before anything is fitted.

assemble.py    parts and options become a job; begin here
before_fit.py  refuses what no fit could use
"""
