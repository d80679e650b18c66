# ports/qemu's RV32IMAC board, with what common/common.mk adds.
include boards/VIRT_RV32/mpconfigboard.mk
include $(BOARD_DIR)/../common/common.mk
