"""A training step, written down once as a list of lines and then run.

``tape`` is the list, ``passes`` what makes it shorter, ``compiled`` the loop that runs its kernels.
``printing`` shows it, and ``telling`` writes down which layer a line belongs to.
"""
