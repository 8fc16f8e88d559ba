"""The person's code: a reference such as ``model.py:search`` becomes objects. The only room that runs user files.

In: the text that the person wrote. Out: `objects.SourceObjects`, and from it estimator, search, options and
the data. Begin with loader.py, which runs a file. reference.py parses the text, notebook.py makes Python of notebooks,
objects.py chooses among a file's objects, file_data.py reads the data in it. user_code.py distinguishes the person's
files from libraries.
"""
