# Every command of the project. All of them set up what they need, and at once the second time.

TARGET ?= all
SECONDS ?= 60
PYTHON ?= python3
VENV := build/venv
PYTEST := $(VENV)/bin/pytest
# More arguments for pytest or the phone: make test ARGS="-k digest"
ARGS ?=
ARCH ?= xtensawin

.DEFAULT_GOAL := help
.PHONY: help demo test test-fast endure bench budget chart figures seeds interleavings fleet stage install flash firmware wiring peers lint phone clean python runtimes releases boards interop fuzz floods losses listen

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 12

demo: python runtimes ## a doorbell on MicroPython rings a phone on CPython, no hardware, no PBX
	@$(PYTHON) tools/demo.py $(ARGS)

test: $(VENV)/.made $(VENV)/.fuzz interop runtimes releases boards ## every test on every runtime, interop too; ARGS="-k NAME"
	@# three at a time on two cores: much of it waits for peers, whose time is real
	@$(PYTEST) -n 3 --dist worksteal $(ARGS)

test-fast: $(VENV)/.made runtimes ## unit tests on this Python and on unix32, under a minute
	@$(PYTEST) -n 2 --dist worksteal -m "not slow" tests/unit tests/host -k "not test_on or (unix32 and not unix32-1)" $(ARGS)

endure: $(VENV)/.made runtimes ## memory that runs out at every point, seven days in 64 KB, and their picture (half an hour)
	@USIP_ENDURE=1 $(PYTEST) tests/host/test_memory_out.py -s $(ARGS)
	@$(PYTHON) tools/week.py

floods: $(VENV)/.made interop runtimes ## 2,000 datagrams a second of each kind, 30 s each, at a phone in a call: build/floods.json
	@FLOOD_S=30 $(PYTEST) tests/interop/test_floods.py -s $(ARGS)

losses: $(VENV)/.made interop runtimes ## 500 calls each at 1, 10 and 30 % loss on both runtimes: build/losses.json
	@LOSS_CALLS=500 $(PYTEST) tests/interop/test_losses.py -s $(ARGS)

fuzz: $(VENV)/.fuzz ## coverage-guided fuzzing: TARGET=message (uri, sdp, agent, ..., all) SECONDS=600, or SECONDS=keep
	@$(VENV)/bin/python tests/fuzz/fuzz.py $(TARGET) $(SECONDS)

bench: python runtimes ## what usip costs: a table and build/bench.json; ARGS="sizes heap"
	@$(PYTHON) tools/bench $(ARGS)

figures: bench budget chart ## all figures anew: bench, budget and chart; WHY="reason" where instructions grew

chart: python ## docs/bench.svg, the README's picture, from build/bench.json
	@$(PYTHON) tools/bench/chart.py

budget: python boards ## measure instructions again and rewrite tests/host/instructions.json; WHY="reason"
	@$(PYTHON) tools/bench/budget.py $(if $(WHY),--why "$(WHY)")

listen: $(VENV)/.listen ## spectrograms of what was heard beside what was played: build/listen.png; ARGS="NAME=A.wav,B.wav"
	@$(VENV)/bin/python tools/listen.py $(ARGS)

seeds: $(VENV)/.made ## many bad days in a simulated network: RUNS=100000; ARGS="--seed N" shows one
	@$(VENV)/bin/python tools/seeds.py $(addprefix --runs ,$(RUNS)) $(ARGS)

interleavings: $(VENV)/.made ## every order of a call's messages, up to a bound; ARGS="--proxy --first 12 --faults 1"
	@$(VENV)/bin/python tools/interleavings.py $(ARGS)

fleet: $(VENV)/.made ## 10,000 devices whose registrar dies and returns: a table and build/fleet.svg
	@$(VENV)/bin/python tools/fleetchart.py $(ARGS)

stage: python ## compile usip for a board into build/stage/; ARCH=xtensawin PORT=esp32, ARCH=armv6m PORT=rp2, ...
	@$(PYTHON) tools/stage.py $(addprefix --port ,$(PORT)) $(ARCH)

install: $(VENV)/.made runtimes ## usip onto a board with MicroPython: BOARD=ESP32_DEVKIT_I2S PORT=/dev/ttyUSB0 CONFIG=config.py
	@$(VENV)/bin/python tools/boards.py install "$(BOARD)" "$(PORT)" $(addprefix --config ,$(CONFIG)) $(ARGS)

flash: python ## a firmware of yours onto a board, by esptool: BOARD= PORT= FIRMWARE=file
	@$(PYTHON) tools/boards.py flash "$(BOARD)" "$(PORT)" "$(FIRMWARE)"

firmware: python ## a firmware with usip frozen in, in your own tree: BOARD= MICROPYTHON=/path/to/micropython VARIANT=SPIRAM
	@$(PYTHON) tools/boards.py firmware "$(BOARD)" "$(MICROPYTHON)" $(addprefix --variant ,$(VARIANT))

wiring: python ## draw the boards' wiring and their tables anew, from the pins in board_configs/
	@$(PYTHON) tools/wiring.py $(BOARD)

peers: python ## the tables of peers in README.md and docs/interop.md, from the last run of each test
	@$(PYTHON) tools/peers_table.py

lint: $(VENV)/.made ## style and format (ruff)
	@$(VENV)/bin/ruff check .
	@$(VENV)/bin/ruff format --check .

# The command-line phone, on CPython: make phone ARGS="--bind 127.0.0.1:5070 listen --ring"
phone: python ## the command-line phone; ARGS="listen --ring"
	@tools/run cpython tools/phone.py $(ARGS)

clean: ## remove build/, but not what came from elsewhere: build/runtimes, build/peers
	@[ ! -d build ] || find build -mindepth 1 -maxdepth 1 ! -name runtimes ! -name peers -exec rm -rf {} +

# ------------------------------------------------------------------------ what those stand on

python:
	@tools/setup python

runtimes: python
	@tools/runtimes/build.py >/dev/null

# Other releases of MicroPython, and those that only Node runs.
releases: python
	@{ tools/setup node; tools/runtimes/build.py releases >/dev/null; } || [ -z "$$CI" ]

# Firmware for QEMU's boards. It wants compilers that not every machine can have: then the tests that
# need it say so; in CI it must be there.
boards: python
	@tools/runtimes/build.py boards >/dev/null || [ -z "$$CI" ]

# Where the peers cannot be installed the tests that need them say so; in CI they must be there.
interop:
	@tools/setup interop || [ -z "$$CI" ]

$(VENV)/.made: pyproject.toml
	@tools/setup venv
	@echo "build/venv: the tools of the extra 'dev'" >&2
	@[ -x $(VENV)/bin/python ] || $(PYTHON) -m venv $(VENV)
	@$(VENV)/bin/python -m pip install --quiet --disable-pip-version-check -e '.[dev]'
	@touch $@

# Not every Python has an atheris: then fuzz.py says so; in CI it must be there.
$(VENV)/.listen: $(VENV)/.made
	@$(VENV)/bin/python -m pip install --quiet --disable-pip-version-check -e '.[listen]'
	@touch $@

$(VENV)/.fuzz: $(VENV)/.made
	@$(VENV)/bin/python -m pip install --quiet --disable-pip-version-check -e '.[fuzz]' || [ -z "$$CI" ]
	@touch $@
