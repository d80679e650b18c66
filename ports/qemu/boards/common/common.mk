# What the boards beside this folder add to MicroPython's qemu port, without a patch: a clock, time,
# select, asyncio, md5 and sha1, os.urandom, LittleFS, Ctrl-C, and waiting without spinning.
USIP_BOARDS := $(abspath $(BOARD_DIR)/..)
USER_C_MODULES = $(USIP_BOARDS)/modules
# A -D on the command line cannot do it: mpconfigport.h defines these without asking.
CFLAGS += -I$(USIP_BOARDS)/common -DMP_CONFIGFILE="<usip_config.h>"
# modules/hal has its own versions of these two.
$(BUILD)/mphalport.o: CFLAGS += -Dmp_hal_stdio_poll=stock_stdio_poll
$(BUILD)/mphalport.o: CFLAGS += -Dmp_hal_stdin_rx_chr=stock_stdin_rx_chr
MICROPY_VFS_LFS2 = 1

# A board with a disk: boot.py and main.py run after a reset, and machine.reset() is one. The port's
# main() runs nothing, and its reset ends QEMU.
ifeq ($(USIP_FLASH),1)
CFLAGS += -DUSIP_FLASH=1
$(BUILD)/main.o: CFLAGS += -Dmp_init=usip_start
$(BUILD)/extmod/modmachine.o: CFLAGS += -Dexit=usip_reset
endif
