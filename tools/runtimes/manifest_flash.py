# Firmware without usip, as a board has it when it is new: its disk is what usip is copied to.
include("manifest.py")
module("_boot.py", base_path="../../ports/qemu/boards/flash")
