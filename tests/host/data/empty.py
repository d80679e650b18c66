# minirun.py has to complain about a file without a test.
