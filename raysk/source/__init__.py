"""The person's code: a reference, as `PATH[:NAME]`, becomes objects. The only room that runs user files.

reference.py  reads the text that names an object
loader.py     runs the file; begin here
found.py      which of its objects are meant
"""
