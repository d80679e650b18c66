# What MicroPython freezes for this board, and usip: its code takes no heap then.
include("$(PORT_DIR)/boards/manifest.py")
package("usip", base_path="../..", opt=3)
package("usip_micropython", base_path="../../ports/micropython", opt=3)
package("usip_esp32", base_path="../../ports/esp32", opt=3)
module("board.py", opt=3)
