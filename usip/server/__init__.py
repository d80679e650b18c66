# usip: the other side: a registrar that redirects
# MIT licence; Copyright (c) 2026 the usip authors
