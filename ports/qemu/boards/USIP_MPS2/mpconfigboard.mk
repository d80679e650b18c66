# ports/qemu's Cortex-M3 board, with what common/common.mk adds.
include boards/MPS2_AN385/mpconfigboard.mk
include $(BOARD_DIR)/../common/common.mk
LDSCRIPT = $(BOARD_DIR)/mps2.ld
