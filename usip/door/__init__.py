# usip: the door station
# MIT licence; Copyright (c) 2026 the usip authors
