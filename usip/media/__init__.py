# usip: media, sans I/O
# MIT licence; Copyright (c) 2026 the usip authors
