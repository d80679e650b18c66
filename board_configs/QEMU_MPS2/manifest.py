# usip in the firmware of the board that QEMU emulates.
include("../../tools/runtimes/manifest_qemu.py")
module("board.py", opt=3)
