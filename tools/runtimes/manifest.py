# What is frozen into the test runtimes: asyncio alone, as in every stock firmware.
include("$(MPY_DIR)/extmod/asyncio")
