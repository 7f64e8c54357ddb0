"""A training step, written down once as a list of lines and then run.

``tape`` is the list, ``compiled`` the loop that runs its kernels.
"""
