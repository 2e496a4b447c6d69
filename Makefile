# TTSUI's commands. `make help` lists them; the README names the two you need.
#
# Plain make (3.81, as macOS has it) and POSIX sh; no environment variables are
# needed. ARGS goes to the program that a target starts:
#
#	make run ARGS='--port 0'

.DEFAULT_GOAL := help
.SUFFIXES:

STATICCHECK := honnef.co/go/tools/cmd/staticcheck@v0.8.2
FUZZTIME ?= 10s
ARGS ?=

SYSTEM := $(shell uname -s)

# On a Mac the program has a window, which needs the cures of two memory bugs
# (internal/tools/darwinkit), and finds MLX where make mlx has put it.
ifeq ($(SYSTEM),Darwin)
export GOFLAGS := -gcflags=all=-d=variablemakethreshold=0
export CGO_CFLAGS := -g -O2 -I$(CURDIR)/internal/tools/darwinkit/include
export CGO_LDFLAGS := -g -O2 -Wl,-rpath,$(CURDIR)/mlxbridge/mlx/mlx/lib
endif

# Which of our packages need MLX, themselves or in their tests, seen from their
# imports.
MLX_PACKAGES = $$(go list -test -f '{{.ImportPath}} {{join .Deps " "}}' ./... | \
	grep ttsui/mlxbridge | cut -d' ' -f1 | sed 's/[._]test$$//' | sort -u)

# The packages of the numbers start no goroutine: they run on the one MLX
# thread, and under the race detector they would take most of the time.
RACE_PACKAGES = $$(go list ./... | grep -Ev '/internal/(nn|sample|qwen3tts)$$')

.PHONY: help
help: ## Show this list
	@sed -n 's/^\([a-z]*\):.*## /\1:/p' Makefile | \
		while IFS=: read -r name text; do printf '  %-10s %s\n' "$$name" "$$text"; done

MACAPP := internal/tools/macapp
RUN := bin/ttsui serve $(ARGS)
RUN_Darwin := $(MACAPP)/build.sh

.PHONY: run
run: build ## Build, and open the app; on Linux, start the server on 127.0.0.1:8765
	$(or $(RUN_$(SYSTEM)),$(RUN))

.PHONY: build
build: mlx ## Build bin/ttsui
	go build -o bin/ttsui ./cmd/ttsui

.PHONY: test
test: mlx ## Run the whole test suite
	go test ./...

.PHONY: race
race: mlx ## Run the tests under the race detector
	go test -race $(RACE_PACKAGES)

# The leak detector is off: libraries keep memory until the process ends, and
# what the bridge makes it counts by itself. Freed memory is held back for a
# little while only: a test looks at what is given back.
.PHONY: asan
asan: mlx ## Run the bridge and the engine under the address sanitizer (Linux)
	ASAN_OPTIONS=detect_leaks=0:quarantine_size_mb=8 go test -asan ./mlxbridge
	ASAN_OPTIONS=detect_leaks=0:quarantine_size_mb=8 go test -asan -run "Contract|GenerationsDoNotMix|CodecIsShared" ./internal/engine

.PHONY: mlxcheck
mlxcheck: mlx ## Run the tests that use MLX, each call checked for its thread
	go test -tags mlxcheck $(MLX_PACKAGES)

# Our own bodies of the CPU's operations stand aside: what is left is the
# reference that they are compared with; then with our kernels for Metal in it,
# as the CPU runs them.
.PHONY: plain
plain: mlx ## Run the model's tests on MLX's own operations
	TTSUI_PLAIN=1 go test -count=1 ./internal/nn ./internal/qwen3tts
	TTSUI_PLAIN=metal go test -count=1 -run 'TestAbuse|TestRandomWalk' ./mlxbridge
	TTSUI_PLAIN=metal go test -count=1 -run 'TestOfficialPackage|TestQuantized|TestSpeakingAgain' ./internal/qwen3tts

# In TF32 products of float32 would not be near the golden data.
.PHONY: gpu
gpu: mlx ## Run the model's tests on the GPU (a Mac)
	TTSUI_TEST_GPU=1 MLX_ENABLE_TF32=0 go test -count=1 ./internal/nn ./internal/sample ./internal/qwen3tts
	TTSUI_TEST_GPU=1 MLX_ENABLE_TF32=0 go test -count=1 -run 'TestAbuse|TestRandomWalk' ./mlxbridge

.PHONY: fuzz
fuzz: mlx ## Run each fuzz target for FUZZTIME (10s)
	@grep -r --include='*_test.go' '^func Fuzz' cmd internal mlxbridge | \
		sed 's|^\(.*\)/[^/]*:func \(Fuzz[A-Za-z0-9_]*\).*|\1 \2|' | \
		while read -r dir name; do \
			echo "$$name in $$dir"; \
			go test -run='^$$' -fuzz="^$$name\$$" -fuzztime=$(FUZZTIME) -fuzzminimizetime=10x "./$$dir" </dev/null || exit 1; \
		done

.PHONY: lint
lint: mlx ## Check formatting, vet and staticcheck
	@unformatted=$$(gofmt -l cmd internal mlxbridge resources); test -z "$$unformatted" || \
		{ echo "not gofmt-ed:" $$unformatted >&2; exit 1; }
	go vet ./...
	go vet -tags mlxcheck $(MLX_PACKAGES)
	go run $(STATICCHECK) ./...

.PHONY: cocoacheck
cocoacheck: ## Check the types of what a Mac builds (seconds)
	go run ./$(MACAPP)/typecheck ./...

.PHONY: app
app: mlx ## Build bin/TTSUI.app for a Mac; on Linux, cross-link and check it
	$(MACAPP)/build.sh

# The window's code runs on Linux, too, on GNUstep. ARGS='-count 30' clicks
# through it that often; the pictures lie in .cache/uitest.
GNUSTEP := internal/tools/gnustep
.PHONY: uitest
uitest: mlx ## Click through the window on a display of its own (Linux)
	$(GNUSTEP)/apt.sh
	$(GNUSTEP)/go.sh vet ./cmd/ttsui ./internal/cocoa
	$(GNUSTEP)/go.sh run $(STATICCHECK) ./cmd/ttsui ./internal/cocoa
	$(GNUSTEP)/go.sh test -count=1 ./internal/tools/darwinkit
	$(GNUSTEP)/go.sh test -count=1 -exec "$(CURDIR)/$(GNUSTEP)/run.sh" ./internal/cocoa
	$(GNUSTEP)/go.sh build -o bin/ttsui-gnustep ./cmd/ttsui
	TTSUI_APP="$(CURDIR)/bin/ttsui-gnustep" $(GNUSTEP)/run.sh go test -count=1 -timeout 20m -v $(ARGS) ./internal/tools/uitest

.PHONY: check
check: test foreign lint cocoacheck uitest app fuzz asan race mlxcheck plain ## Run everything that CI runs, and the fuzzers

# ARGS='-only kill -kills 1000' and the like choose what is asked and how often.
.PHONY: soak
soak: build ## Hold the real program to its promises over time (6 minutes)
	go run ./internal/tools/soak $(ARGS)

# Their packages are Python's, by hash, as MLX is; the copy of the lock beside
# them says which lie there.
FOREIGN := internal/tools/foreign
.PHONY: foreign
foreign: build ## Use the server by curl and Python's requests, the cache by huggingface_hub (Linux)
	@cmp -s $(FOREIGN)/python.lock .cache/foreign/python.lock && exit 0; set -e; rm -rf .cache/foreign; \
	$(PIP) install --quiet --root-user-action ignore --require-hashes --no-deps --only-binary=:all: \
		--target .cache/foreign -r $(FOREIGN)/python.lock; \
	cp $(FOREIGN)/python.lock .cache/foreign/
	$(FOREIGN)/run.sh bin/ttsui .cache/foreign
	PYTHONPATH="$(CURDIR)/.cache/foreign" PYTHONDONTWRITEBYTECODE=1 TTSUI_PYTHON=python3 go test -count=1 -run Python ./internal/hub

.PHONY: bench
bench: mlx ## Measure load, prefill and frames at real dimensions
	go run ./internal/tools/bench $(ARGS)

# The system's name decides which wheel pip is asked for. macOS must be told:
# pip would otherwise take the wheel for the newest system, and ours starts at 14.
PIP_PLATFORM_Darwin := --platform macosx_14_0_arm64
PIP := python3 -m pip --disable-pip-version-check

# The wheel is unpacked beside its final place and moved in as a whole. Its own
# folder layout is kept: libmlx finds its BLAS relative to itself. The copy of
# the lock inside says which release lies there.
.PHONY: mlx
mlx: ## Fetch the pinned MLX library into mlxbridge/mlx
	@cmp -s mlxbridge/mlx.lock mlxbridge/mlx/mlx.lock && exit 0; set -e; \
	$(PIP) --version >/dev/null || { echo "make mlx needs python3 with pip" >&2; exit 1; }; \
	mkdir -p .cache; tmp=$$(mktemp -d .cache/mlx.XXXXXX); trap 'rm -rf "$$tmp"' EXIT; \
	$(PIP) download --quiet --no-deps --require-hashes --only-binary=:all: $(PIP_PLATFORM_$(SYSTEM)) \
		--dest "$$tmp" -r mlxbridge/mlx.lock; \
	python3 -m zipfile -e "$$tmp"/*.whl "$$tmp/mlx"; \
	cp mlxbridge/mlx.lock "$$tmp/mlx/"; \
	rm -rf mlxbridge/mlx; mv "$$tmp/mlx" mlxbridge/; \
	echo "MLX is in mlxbridge/mlx"

.PHONY: clean
clean: ## Remove what was built and fetched
	rm -rf bin .cache mlxbridge/mlx
