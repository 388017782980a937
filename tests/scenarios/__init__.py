"""What users run into: one module for each row of the list of scenarios, told from the outside.

`archives` writes altered model files, `observing` installs plugins and watches loads.
"""
