"""`raise Skip("why")` skips a test that needs what the runtime does not have; pytest knows it too.

Ask for the feature, never for the name of the runtime.
"""

try:
    from unittest import SkipTest as Skip
except ImportError:

    class Skip(Exception):
        pass
