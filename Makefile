# `make help` lists what there is.

GO      ?= go
MINGW   ?= x86_64-w64-mingw32-gcc
CLANG   ?= clang
C_DIRS  := driver/kernel driver/sample driver/probe driver/agent driver/model driver/shared vm/wine/host
C_FILES := $(foreach d,$(C_DIRS) driver/include $(wildcard examples/*/driver examples/*/test),$(wildcard $(d)/*.[ch] $(d)/*/*.[ch]))
# The race detector watches everything but parsers, codecs and arithmetic that go through memory byte by byte and
# share none of it: watching these took a third of the tests' processor time.
UNSHARED := gopkg.in/yaml.v3 encoding/base64 unicode/utf8 hash/adler32 compress/flate crypto/rc4 \
  $(addprefix crypto/internal/fips140/,bigmod edwards25519/field mlkem)
RACE    := -race $(UNSHARED:%=-gcflags=%=-race=false)
MAKEFLAGS += --no-print-directory

.PHONY: help run test test-slow build build-all check check-go vet-elsewhere check-c check-c-now test-go test-engine soak test-clients test-windows test-vm mutants bench fuzz clean

help: ## List what can be made
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-13s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: ## Install what is missing, build, and run the default suites on the Wine guest
	@scripts/deps run
	@$(MAKE) build
	@bin/wskharness run

test: ## Install what is missing, build, and run every check and test
	@scripts/deps test
	@$(MAKE) build build-all check test-go

build: ## Build bin/wskharness
	@$(GO) build -o bin/wskharness ./cmd/wskharness

# What a program for another system is to have in it is built here, where the compiler is: driver/prebuilt. Windows on ARM runs the
# program for amd64: the library that signs (relic 7.6.2, its lib/passprompt) does not compile for that system.
SYSTEMS := linux/amd64 linux/arm64 windows/amd64 darwin/amd64 darwin/arm64
build-all: ## Build bin/SYSTEM-PROCESSOR/wskharness for Linux, Windows and macOS, with agent and sample in it
	@$(GO) run ./driver/prebuild bin/prebuilt
	@for s in $(SYSTEMS); do \
	  CGO_ENABLED=0 GOOS=$${s%/*} GOARCH=$${s#*/} $(GO) build -overlay bin/prebuilt/overlay.json -o bin/$${s%/*}-$${s#*/}/ ./cmd/wskharness || exit 1; \
	done

check: check-go check-c ## All static checks

check-go: ## gofmt, vet (for Windows and macOS as well), staticcheck, what nothing calls or needs, tidy modules
	@files=$$(gofmt -l $$(git ls-files -co --exclude-standard '*.go')); \
	  test -z "$$files" || { echo "not gofmt-ed (run gofmt -w on them): $$files"; exit 1; }
	@$(GO) vet ./...
	@scripts/unless-passed vet-elsewhere '' $$(git ls-files -co --exclude-standard '*.go' '*go.mod') -- \
	  env "CHECKED_BY=$$($(GO) env GOVERSION)" $(MAKE) vet-elsewhere
	@$(GO) tool staticcheck ./...
	@scripts/unless-passed dead-code '' $$(git ls-files -co --exclude-standard '*.go' '*go.mod' scripts/dead-code) -- \
	  env "CHECKED_BY=$$($(GO) env GOVERSION)" scripts/dead-code
	@$(GO) mod tidy -diff
	@cd bench && $(GO) mod tidy -diff && $(GO) vet ./...

# What is compiled for other systems alone, tests included, is seen by no other check.
vet-elsewhere:
	@GOOS=windows GOARCH=amd64 $(GO) vet ./...
	@GOOS=darwin GOARCH=arm64 $(GO) vet ./...

# The analyser and the layout are checked here; that everything compiles without a warning is
# checked by every build, since warnings are errors there.
check-c: ## clang-format, cppcheck, gcc -fanalyzer, clang as a second compiler
	@scripts/unless-passed check-c '$(MINGW) $(CLANG) clang-format cppcheck' \
	  $(C_FILES) .clang-format Makefile scripts/analyze-c scripts/clang-c scripts/sal.cfg -- $(MAKE) check-c-now

check-c-now:
	@clang-format --dry-run --Werror $(C_FILES)
	@cppcheck --quiet --error-exitcode=1 --inline-suppr --std=c11 --platform=win64 -j 2 \
	  --enable=warning,performance,portability --suppress=missingInclude --suppress=missingIncludeSystem \
	  --suppress=normalCheckLevelMaxBranches --library=scripts/sal.cfg \
	  -I driver/include -I driver/shared $(addprefix -I ,$(wildcard driver/agent/*/)) $(C_DIRS)
	@scripts/analyze-c $(MINGW)
	@scripts/clang-c $(CLANG)

# Tests with guests mostly wait for them: more run side by side than there are processors.
# All of vet is a check of its own.
TESTS   := $(RACE) -vet=off -parallel 6
# A program with the race detector in it would sleep for a second before it ends, and they start a thousand.
test-go test-slow soak test-clients: export GORACE = atexit_sleep_ms=0
test-go: ## Every Go test, with the race detector: unit, real Wine guests, end to end
	$(GO) test $(TESTS) -timeout 45m ./...
	@$(MAKE) test-engine

# What decides the verdicts, in far more ways than real guests could show: that needs processor time, and no race detector.
ENGINE := ^(TestDisturbedJournals|TestSimulatedRuns|TestKilledAtEveryCall|TestDiskThatFails)$$
test-engine: ## The verdicts: more than 100,000 disturbed journals, 2,000 simulated runs, every call that may fail
	$(GO) test -vet=off -timeout 20m -run '$(ENGINE)' ./harness ./harness/driverrun

# Limits that are one only on a fast machine show here. The whole takes several times as long.
test-slow: ## The same tests, and all of selftest, while four processes keep the processors busy: none may depend on how fast the machine is
	@scripts/deps test
	@$(MAKE) build
	@scripts/busy 4 $(GO) test $(TESTS) -count=1 -timeout 90m ./...
	@scripts/busy 4 bin/wskharness selftest

soak: ## The long form of the tests in which something goes wrong at random moments (minutes)
	$(GO) test -count=1 -vet=off -timeout 60m -run '$(ENGINE)' ./harness -seeds 100000
	$(GO) test -count=1 -vet=off -timeout 60m -run '$(ENGINE)' ./harness/driverrun -mixes 200000
	$(GO) test -count=1 -timeout 20m -run 'KilledAtAnyMoment|NetworkThatFails|FaultStorm|BrokenHarness|OnAStaticMachine' ./cmd/wskharness ./harness ./selftest ./guest ./remote/...

test-clients: ## Install WinRM clients by others, and test our endpoint with them
	@scripts/deps clients
	$(GO) test $(RACE) -count=1 -v -run '^Test(Pywinrm|Ansible)' ./remote/winrmd

# What has passed is not run again until it changes: the results are kept as go test keeps them.
test-windows: ## Every package's own tests for Windows, on Wine: what passed, failed, was skipped and why (PACKAGES='./disk ./child')
	@scripts/deps test
	@$(GO) build -o bin/windows-packages ./windowstest/packages
	@bin/windows-packages $(or $(PACKAGES),./...)

test-vm: ## A real virtual machine, made of Debian's packages, under QEMU and libvirt: run on, crashed, killed, resumed (minutes)
	@scripts/deps vm
	$(GO) test -count=1 -v -timeout 90m ./vmimage ./image ./vm/libvirt -vm

mutants: ## Break model and sample in each known way, and check that the suites notice (DEFECTS='model.TIMEOUT_*')
	@$(GO) run ./mutants/controller
	@scripts/deps run
	@$(GO) build -o bin/mutants ./mutants
	@bin/mutants $(DEFECTS)

bench: build ## Print speed and size, measured here: whole commands, and transfers against other WinRM clients
	@scripts/deps test
	@cd bench && $(GO) build -o ../bin/bench . && cd .. && bin/bench

fuzz: ## Fuzz every parser for a few seconds each (FUZZTIME=30s to go on longer)
	@scripts/fuzz $(or $(FUZZTIME),10s)

clean: ## Remove what was built here
	rm -rf bin
